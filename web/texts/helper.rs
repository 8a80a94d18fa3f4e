//! The messages in templates: `{{t "key" name=value}}`, and `{{html "key" name=value}}` for one that has markup.
//!
//! What `t` gives is escaped as all values are. `html` leaves the markup of the message itself, which is compiled in,
//! and escapes the arguments.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError, RenderErrorReason,
    ScopedJson, html_escape,
};
use serde_json::Value;

use super::catalog::{Argument, Texts};

/// Registers the helpers of a language.
pub(crate) fn register(templates: &mut Handlebars<'_>, texts: Texts) {
    templates.register_helper("t", Box::new(Plain(texts)));
    templates.register_helper("html", Box::new(Markup(texts)));
}

struct Plain(Texts);

impl HelperDef for Plain {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let text = said(helper, self.0, |argument| argument)?;
        Ok(ScopedJson::Derived(Value::String(text)))
    }
}

struct Markup(Texts);

impl HelperDef for Markup {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        out.write(&said(helper, self.0, escaped)?)?;
        Ok(())
    }
}

fn escaped(argument: Argument<'_>) -> Argument<'_> {
    match argument {
        Argument::Text(text) => Argument::from(html_escape(&text)),
        Argument::Number(number) => Argument::Number(number),
    }
}

fn said<'a>(
    helper: &'a Helper<'_>,
    texts: Texts,
    prepared: impl Fn(Argument<'a>) -> Argument<'a>,
) -> Result<String, RenderError> {
    let key = helper.param(0).and_then(|key| key.value().as_str()).unwrap_or_default();
    let failed = |reason: String| RenderError::from(RenderErrorReason::Other(format!("the message {key} {reason}")));
    if let Some((name, _)) = helper.hash().iter().find(|(_, value)| value.is_value_missing()) {
        return Err(failed(format!("gets no {name}")));
    }
    let arguments: Vec<(&str, Argument<'_>)> =
        helper.hash().iter().map(|(name, value)| (*name, prepared(Argument::of_json(value.value())))).collect();
    texts.find(key, &arguments).ok_or_else(|| failed("does not exist".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::texts::Language;

    #[test]
    fn arguments_are_escaped_and_the_markup_of_a_message_is_left() {
        let mut templates = Handlebars::new();
        templates.set_strict_mode(true);
        register(&mut templates, Texts::of(Language::Spanish));
        let rendered = |template: &str| {
            templates
                .render_template(template, &json!({ "typed": "<b>\"&", "count": 29_250 }))
                .map_err(|it| it.to_string())
        };
        assert_eq!(
            rendered("{{t \"unknown-airport\" typed=typed}}").unwrap().matches("&lt;b&gt;&quot;&amp;").count(),
            1
        );
        assert!(rendered("{{t \"more-not-shown\" count=count}}").unwrap().contains("29\u{202f}250"));
        let html = rendered("{{html \"replay-now\" now=typed}}").unwrap();
        assert!(html.contains("<b>&lt;b&gt;&quot;&amp;</b>"), "{html}");
        assert!(rendered("{{t \"no-such-message\"}}").is_err() && rendered("{{t \"minutes\" minutes=none}}").is_err());
    }
}
