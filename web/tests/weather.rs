//! The weather in the form: asked for where the model takes it, and part of the request.

#![allow(clippy::unwrap_used, reason = "helpers of tests count as tests")]

mod common;

use common::site::{BROWSER, CLASSIFY, FORM, OLD_FORM, PAGE, TestSite, json_of, site, site_with, text_of};
use delaycast::flight::Observation;
use delaycast_web::Config;
use warp::test::request;

fn asking() -> TestSite {
    site_with(Config { asks_weather: true, ..Config::default() })
}

#[tokio::test]
async fn the_form_asks_for_the_weather_only_where_the_model_takes_it() {
    let page = asking().get(PAGE, BROWSER).await;
    for shown in ["name=\"Weather.Temp\"", "Visibility", "it counts if the scheduled departure is known"] {
        assert!(text_of(&page).contains(shown), "{shown}: {}", text_of(&page));
    }
    assert!(!text_of(&site().get(PAGE, BROWSER).await).contains("Weather"));
}

#[tokio::test]
async fn the_weather_that_was_typed_is_part_of_the_request() {
    let site = asking();
    site.post(FORM, "*/*", format!("{OLD_FORM}&Weather.Temp=41&Weather.WindSpeed=&Weather.Precip=0.2")).await;
    let requests = site.doubles.log.requests();
    let weather = requests[0].weather.unwrap();
    let observed = [Observation::Temp, Observation::WindSpeed, Observation::Precip].map(|it| weather.get(it));
    assert_eq!(observed, [Some(41.0), None, Some(0.2)]);
    site.post(FORM, "*/*", OLD_FORM).await;
    assert!(site.doubles.log.requests()[1].weather.is_none());
}

#[tokio::test]
async fn the_page_in_spanish_asks_in_metric_units_and_the_request_has_those_of_the_wire() {
    let site = asking();
    let get = |query: &str| request().path(&format!("{PAGE}{query}")).header("accept", BROWSER);
    let page = site.send(get("").header("accept-language", "es")).await;
    let units = "<input type=\"hidden\" name=\"Weather.Units\" value=\"metric\">";
    for shown in [units, "°C", "km/h", ">mm<", ">km<"] {
        assert!(text_of(&page).contains(shown), "{shown}: {}", text_of(&page));
    }
    assert!(!text_of(&site.send(get("")).await).contains("Weather.Units"));
    let typed = "Weather.Units=metric&Weather.Temp=5&Weather.WindSpeed=160.9344&Weather.Precip=25.4";
    site.post(FORM, "*/*", format!("{OLD_FORM}&{typed}")).await;
    let weather = site.doubles.log.requests()[0].weather.unwrap();
    let observed = [Observation::Temp, Observation::WindSpeed, Observation::Precip].map(|it| weather.get(it));
    assert_eq!(observed, [Some(41.0), Some(100.0), Some(1.0)]);
    // A link that was made in Spanish means the same in English.
    let english = site.send(get(&format!("?{typed}"))).await;
    for shown in ["value=\"41\"", "value=\"100\"", "°F"] {
        assert!(text_of(&english).contains(shown), "{shown}: {}", text_of(&english));
    }
}

#[tokio::test]
async fn wrong_weather_is_named_beside_its_field_in_both_languages() {
    let site = asking();
    let form = format!("{OLD_FORM}&Weather.Temp=400&Weather.Visibility=far");
    let errors = site.errors(FORM, &form).await;
    assert_eq!(
        errors,
        [
            ("Weather.Temp".to_owned(), "must be -130 to 140".to_owned()),
            ("Weather.Visibility".to_owned(), "“far” is not a number, as in 23 or 0.1".to_owned()),
        ]
    );
    let post = request().method("POST").path(CLASSIFY).header("accept", BROWSER).header("content-type", FORM);
    let page = site.send(post.header("accept-language", "es").body(&form)).await;
    let html = text_of(&page);
    assert!(html.contains("value=\"400\"") && html.contains("Debe estar entre -130 y 140."), "{html}");
    let json = site.post(FORM, "application/json", &form).await;
    assert_eq!(json_of(&json)["status"], "ERROR");
}
