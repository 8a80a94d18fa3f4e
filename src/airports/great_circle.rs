//! The great-circle distance.

/// The mean radius of the Earth in statute miles (IUGG: 6,371.0088 km).
const EARTH_RADIUS_MILES: f64 = 3_958.761;

/// The great-circle distance in statute miles between two points given as (degrees north, degrees east),
/// on a sphere; within 0.6 % of that on the ellipsoid. Haversine formula, R. W. Sinnott, Sky and Telescope 68 (1984)
/// 159.
pub fn great_circle_miles(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (from_lat, to_lat) = (from.0.to_radians(), to.0.to_radians());
    let half_lat = (to_lat - from_lat) / 2.0;
    let half_lon = (to.1 - from.1).to_radians() / 2.0;
    let h = half_lat.sin().powi(2) + from_lat.cos() * to_lat.cos() * half_lon.sin().powi(2);
    2.0 * EARTH_RADIUS_MILES * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_known_distances() {
        assert_eq!(great_circle_miles((10.0, 20.0), (10.0, 20.0)), 0.0);
        let half_way_round = std::f64::consts::PI * EARTH_RADIUS_MILES;
        assert!((great_circle_miles((0.0, 0.0), (0.0, 180.0)) - half_way_round).abs() < 1e-6);
        // A degree of latitude is 69.1 miles on the sphere.
        assert!((great_circle_miles((0.0, 0.0), (1.0, 0.0)) - 69.09).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn is_symmetric_and_bounded(a in -90.0..90.0f64, b in -180.0..180.0f64, c in -90.0..90.0f64, d in -180.0..180.0f64) {
            let (there, back) = (great_circle_miles((a, b), (c, d)), great_circle_miles((c, d), (a, b)));
            prop_assert!((there - back).abs() < 1e-6);
            prop_assert!((0.0..=12_450.0).contains(&there));
        }
    }
}
