//! The route of an answer on a map: the great circle between its airports, and the way by which the aeroplane comes.
//!
//! The map has no outlines. It is a lattice of dots, one wherever there are known airports: these draw the country by
//! themselves. The projection is Lambert's azimuthal one, which keeps areas, around the middle of the known airports:
//! J. P. Snyder, Map Projections: A Working Manual (1987), equations 24-2 to 24-4.

use std::{collections::BTreeSet, fmt::Write};

use delaycast::{airports::Airports, flight::Code};
use serde::Serialize;
use serde_json::{Map, Value};

use super::svg::{Anchor, Drawing};
use crate::{
    texts::{Texts, say},
    units::distance,
};

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 210.0;
/// Distance of the dots of the lattice.
const STEP: f64 = 5.0;
/// Space around a route: to its sides for the codes of airports.
const PADDING: [f64; 2] = [58.0, 24.0];
/// Smallest width of the map in radians, 2,200 km: of a short route it shows the surroundings.
const RADIANS_MIN: f64 = 0.35;
/// Sections of a great circle.
const SECTIONS: u32 = 32;
/// The cosine of the distance from the middle up to which points are drawn. The other side of the Earth is infinitely
/// large.
const COSINE_MIN: f64 = -0.8;

/// A map, and the words below it.
#[derive(Debug, Serialize)]
pub(super) struct MapView {
    svg: String,
    /// `2,586 miles from JFK to SFO`.
    caption: String,
    /// The way by which the aeroplane comes, if it is known.
    inbound: Option<String>,
}

impl MapView {
    /// Reads an answer's document; `None` unless the positions of both airports are known and differ.
    pub(super) fn new(document: &Map<String, Value>, airports: &Airports, texts: Texts) -> Option<Self> {
        let code = |fields: &Map<String, Value>, field: &str| fields.get(field)?.as_str()?.parse::<Code>().ok();
        let (origin, dest) = (code(document, "Origin")?, code(document, "Dest")?);
        let projection = Projection::around(airports)?;
        let route = projection.great_circle(airports.position_of(origin)?, airports.position_of(dest)?)?;
        let inbound = document.get("Live").and_then(|live| live.get("Inbound")).and_then(Value::as_object);
        let inbound = inbound.and_then(|inbound| {
            let from = code(inbound, "Origin")?;
            let way = projection.great_circle(airports.position_of(from)?, airports.position_of(origin)?)?;
            Some((from, way))
        });
        let caption = match airports.distance_miles(origin, dest) {
            Some(miles) => {
                let distance = distance(f64::from(miles).floor(), texts);
                say!(texts, "map-distance", distance = distance, origin = origin, dest = dest)
            }
            None => say!(texts, "map-route", origin = origin, dest = dest),
        };
        let label = match &inbound {
            Some((from, _)) => say!(texts, "map-label-inbound", origin = origin, dest = dest, inbound = *from),
            None => say!(texts, "map-label", origin = origin, dest = dest),
        };
        let svg = draw(airports, &projection, [origin, dest], &route, inbound.as_ref(), &label);
        let inbound = inbound.map(|(from, _)| say!(texts, "map-inbound", airport = from));
        Some(MapView { svg, caption, inbound })
    }
}

fn draw(
    airports: &Airports,
    projection: &Projection,
    [origin, dest]: [Code; 2],
    route: &[[f64; 2]],
    inbound: Option<&(Code, Vec<[f64; 2]>)>,
    label: &str,
) -> String {
    let ways = inbound.map(|(_, way)| way.as_slice());
    let window = Window::around(ways.into_iter().chain([route]).flatten());
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    let positions = airports.positions().filter_map(|position| projection.point(unit(position)));
    drawing.path("places", &lattice(positions.map(|point| window.map(point))));
    let mapped = |way: &[[f64; 2]]| way.iter().map(|point| window.map(*point)).collect::<Vec<_>>();
    let route = mapped(route);
    let ends = [route[0], route[route.len() - 1]];
    if let Some((from, way)) = inbound {
        let way = mapped(way);
        drawing.polyline("inbound", &way);
        drawing.circle("from", way[0], 3.0);
        // Above: the codes of the route stand beside its ends.
        if *from != dest {
            drawing.text("ink soft", [way[0][0], way[0][1] - 8.0], Anchor::Middle, from.as_str());
        }
    }
    drawing.polyline("way", &route);
    let is_east = ends[1][0] >= ends[0][0];
    for ((code, [x, y]), is_right) in [origin, dest].into_iter().zip(ends).zip([!is_east, is_east]) {
        let (aside, anchor) = if is_right { (8.0, Anchor::Start) } else { (-8.0, Anchor::End) };
        drawing.circle("end", [x, y], 4.0);
        drawing.text("ink strong", [x + aside, y + 5.0], anchor, code.as_str());
    }
    drawing.finish(label)
}

/// The path of the lattice's dots where there are points: a line for each run of dots, which the style dashes.
fn lattice(points: impl Iterator<Item = [f64; 2]>) -> String {
    let visible = points.filter(|[x, y]| (0.0..WIDTH).contains(x) && (0.0..HEIGHT).contains(y));
    let cell = |[x, y]: [f64; 2]| ((y / STEP) as u32, (x / STEP) as u32);
    let dots: BTreeSet<(u32, u32)> = visible.map(cell).collect();
    let mut path = String::new();
    for &(row, column) in dots.iter().filter(|(row, column)| *column == 0 || !dots.contains(&(*row, column - 1))) {
        let run = (column..).take_while(|column| dots.contains(&(row, *column))).count();
        let at = |cell: u32| (f64::from(cell) + 0.5) * STEP;
        // A little longer, so that the last dot is not lost to rounding. Writing to a string does not fail.
        let _ = write!(path, "M{} {}h{:.1}", at(column), at(row), (run - 1) as f64 * STEP + 0.1);
    }
    path
}

/// The part of the projection that is shown, in the proportions of the drawing.
struct Window {
    /// Left and upper end.
    from: [f64; 2],
    /// Units of the drawing in a radian.
    scale: f64,
}

impl Window {
    fn around<'a>(points: impl Iterator<Item = &'a [f64; 2]> + Clone) -> Self {
        let extent = |axis: usize| {
            let values = points.clone().map(|point| point[axis]);
            values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], it| [low.min(it), high.max(it)])
        };
        let [across, down] = [extent(0), extent(1)];
        let scale = |[low, high]: [f64; 2], room: f64| room / (high - low).max(1e-9);
        let scale = scale(across, WIDTH - 2.0 * PADDING[0])
            .min(scale(down, HEIGHT - 2.0 * PADDING[1]))
            .min(WIDTH / RADIANS_MIN);
        let from = |[low, high]: [f64; 2], size: f64| (low + high) / 2.0 - size / scale / 2.0;
        Window { from: [from(across, WIDTH), from(down, HEIGHT)], scale }
    }

    fn map(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [(x - self.from[0]) * self.scale, (y - self.from[1]) * self.scale]
    }
}

/// The unit vector of a position in degrees north and degrees east.
fn unit((north, east): (f64, f64)) -> [f64; 3] {
    let ((sin, cos), (east_sin, east_cos)) = (north.to_radians().sin_cos(), east.to_radians().sin_cos());
    [cos * east_cos, cos * east_sin, sin]
}

fn dot(one: [f64; 3], other: [f64; 3]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// Lambert's azimuthal equal-area projection of the sphere, in radians to the right and down.
struct Projection {
    middle: [f64; 3],
    /// The directions east and north in the middle.
    east: [f64; 3],
    north: [f64; 3],
}

impl Projection {
    /// The projection around the medians of the known positions; `None` without any.
    fn around(airports: &Airports) -> Option<Self> {
        let median = |axis: fn((f64, f64)) -> f64| {
            let mut values: Vec<f64> = airports.positions().map(axis).collect();
            let middle = values.len() / 2;
            (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f64::total_cmp).1)
        };
        let (north, east) = (median(|(north, _)| north)?, median(|(_, east)| east)?);
        let ((sin, cos), (east_sin, east_cos)) = (north.to_radians().sin_cos(), east.to_radians().sin_cos());
        Some(Projection {
            middle: unit((north, east)),
            east: [-east_sin, east_cos, 0.0],
            north: [-sin * east_cos, -sin * east_sin, cos],
        })
    }

    /// Projects a point of the unit sphere; `None` on the other side of the Earth.
    fn point(&self, at: [f64; 3]) -> Option<[f64; 2]> {
        let cosine = dot(self.middle, at);
        let stretch = (2.0 / (1.0 + cosine)).sqrt();
        (cosine > COSINE_MIN).then(|| [stretch * dot(self.east, at), -stretch * dot(self.north, at)])
    }

    /// Projects the great circle between two positions. `None` if they are one, opposite, or on the other side of the
    /// Earth.
    fn great_circle(&self, from: (f64, f64), to: (f64, f64)) -> Option<Vec<[f64; 2]>> {
        let (from, to) = (unit(from), unit(to));
        let angle = dot(from, to).clamp(-1.0, 1.0).acos();
        if angle.sin() < 1e-6 {
            return None;
        }
        let at = |section: u32| {
            let share = f64::from(section) / f64::from(SECTIONS);
            let [of_from, of_to] = [(1.0 - share) * angle, share * angle].map(|part| part.sin() / angle.sin());
            self.point(std::array::from_fn(|axis| of_from * from[axis] + of_to * to[axis]))
        };
        (0..=SECTIONS).map(at).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use delaycast::airports::{Airport, great_circle_miles};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::texts::Language;

    fn airports() -> Airports {
        let airport = |code: &str, latitude, longitude| {
            (code.parse().unwrap(), Airport { name: code.to_owned(), latitude, longitude })
        };
        let airports = BTreeMap::from([
            airport("JFK", 40.64, -73.78),
            airport("BOS", 42.36, -71.01),
            airport("DEN", 39.86, -104.67),
            airport("SFO", 37.62, -122.37),
            airport("GUM", 13.48, 144.8),
            airport("PER", -31.94, 115.97),
        ]);
        Airports::new(airports, BTreeMap::new(), [], [])
    }

    fn view(document: Value) -> Option<MapView> {
        MapView::new(document.as_object().unwrap(), &airports(), Texts::of(Language::English))
    }

    #[test]
    fn a_route_has_a_map_with_the_way_by_which_the_aeroplane_comes() {
        let map = view(json!({ "Origin": "JFK", "Dest": "SFO" })).unwrap();
        assert_eq!((map.caption.as_str(), &map.inbound), ("2,579\u{a0}miles from JFK to SFO", &None));
        assert!(map.svg.contains("Map of the way from JFK to SFO\"") && !map.svg.contains("inbound"), "{}", map.svg);
        let live = json!({ "Inbound": { "Origin": "BOS", "State": "departed" } });
        let map = view(json!({ "Origin": "JFK", "Dest": "SFO", "Live": live })).unwrap();
        assert_eq!(map.inbound.as_deref(), Some("the aeroplane comes from BOS"));
        assert!(map.svg.contains("class=\"inbound\""));
    }

    #[test]
    fn a_place_that_is_nowhere_or_everywhere_has_no_map() {
        for (origin, dest) in [("JFK", "XXX"), ("JFK", "JFK"), ("JFK", "PER"), ("JFK", "<b>")] {
            assert!(view(json!({ "Origin": origin, "Dest": dest })).is_none(), "{origin} {dest}");
        }
        let live = json!({ "Inbound": { "Origin": "XXX" } });
        assert!(view(json!({ "Origin": "JFK", "Dest": "BOS", "Live": live })).unwrap().inbound.is_none());
        assert!(view(json!({ "Dest": "BOS" })).is_none());
    }

    #[test]
    fn a_map_shows_a_whole_route_across_the_date_line() {
        let projection = Projection::around(&airports()).unwrap();
        let place = |code: &str| airports().position_of(code.parse().unwrap()).unwrap();
        let way = projection.great_circle(place("GUM"), place("BOS")).unwrap();
        let window = Window::around(way.iter());
        for point in &way {
            let [x, y] = window.map(*point);
            assert!((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y), "{x} {y}");
        }
        let widest = way.windows(2).map(|pair| (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]));
        assert!(widest.fold(0.0, f64::max) < 0.2, "no jump");
    }

    #[test]
    fn dots_side_by_side_are_one_line() {
        let at = |column: f64, row: f64| [column * STEP + 1.0, row * STEP + 1.0];
        let points = [at(0.0, 0.0), at(1.0, 0.0), at(2.0, 0.0), at(2.0, 0.0), at(4.0, 0.0), at(1.0, 3.0), [-1.0, 1.0]];
        assert_eq!(lattice(points.into_iter()), "M2.5 2.5h10.1M22.5 2.5h0.1M7.5 17.5h0.1");
    }

    proptest! {
        /// The areas of small triangles: Heron's formula on the sphere is that of the plane for them.
        #[test]
        fn areas_are_kept(north in -50.0..70.0f64, east in -170.0..-30.0f64) {
            let projection = Projection::around(&airports()).unwrap();
            let corners = [(north, east), (north + 0.05, east), (north, east + 0.05)];
            let sides = [(0, 1), (1, 2), (2, 0)].map(|(one, other)| great_circle_miles(corners[one], corners[other]));
            let half = sides.iter().sum::<f64>() / 2.0;
            let on_earth = sides.iter().fold(half, |product, side| product * (half - side)).sqrt();
            let [a, b, c] = corners.map(|corner| projection.point(unit(corner)).unwrap());
            let on_map = ((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])).abs() / 2.0;
            let radius = great_circle_miles((0.0, 0.0), (0.0, 90.0)) / std::f64::consts::FRAC_PI_2;
            prop_assert!((on_map * radius * radius / on_earth - 1.0).abs() < 0.01, "{} {}", on_map * radius * radius, on_earth);
        }
    }
}
