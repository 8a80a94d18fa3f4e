use std::borrow::Cow;

use engine::{
    document::{Document, Value},
    domain::{Answer, Collections, Dimension, Domain, Field},
    request::{Malformed, MalformedKind, RequestId},
};

/// Card payments: a payment comes in, its risk of fraud goes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Payments;

/// A payment.
#[derive(Debug, Clone, PartialEq)]
pub struct Payment {
    pub id: RequestId,
    pub amount: f64,
}

/// The probability of fraud.
#[derive(Debug, Clone, PartialEq)]
pub struct Risk(pub f64);

impl Domain for Payments {
    type Request = Payment;
    type Score = Risk;
    /// The verdict: accept or review.
    type Labels = String;

    const MESSAGE_BYTES_MAX: usize = 4096;
    const FIELDS: &'static [&'static str] = &["UUID", "Amount"];
    const COLLECTIONS: Collections = Collections::new("payments", ["risk", "rejection", "shadow"]);
    const DIMENSIONS: &'static [Dimension] = &[Dimension { field: "Verdict", is_open: false }];

    fn decode(message: &[u8]) -> Result<Payment, Malformed> {
        let not_json = |error| Malformed::new(None, MalformedKind::NotJson, format!("{error}"));
        let message: serde_json::Value = serde_json::from_slice(message).map_err(not_json)?;
        let id = message["UUID"].as_str().and_then(|id| RequestId::new(id).ok());
        let missing = |field| Malformed::new(id.clone(), MalformedKind::Field(field), format!("{field}: is missing"));
        let amount = message["Amount"].as_f64().ok_or_else(|| missing("Amount"))?;
        Ok(Payment { id: id.clone().ok_or_else(|| missing("UUID"))?, amount })
    }

    fn id(payment: &Payment) -> &RequestId {
        &payment.id
    }

    fn document(Answer { request, score, model, scored_at }: &Answer<Self>) -> Document<'_> {
        let verdict = if score.0 < 0.5 { "accept" } else { "review" };
        vec![
            ("_id", Value::text(request.id.as_str())),
            ("UUID", Value::text(request.id.as_str())),
            ("Amount", Value::Double(request.amount)),
            ("Risk", Value::Double(score.0)),
            ("Verdict", Value::text(verdict)),
            ("ModelVersion", Value::text(model.as_str())),
            ("ScoredAt", Value::Date(*scored_at)),
        ]
    }

    fn labels(fields: &[Field<'_>]) -> Option<String> {
        Some(fields.first()?.text()?.to_owned())
    }

    fn label(verdict: &String, _dimension: usize) -> Cow<'_, str> {
        Cow::Borrowed(verdict)
    }
}
