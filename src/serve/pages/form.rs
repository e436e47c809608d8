//! What was typed into a form: read within limits, held with what is wrong, shown again as it was.

use super::{
    super::problem::{Answer, Problem},
    parts::{Choice, Field},
    texts::Lang,
};
use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use std::collections::BTreeMap;
use url::form_urlencoded;

/// The most bytes of a form that isn't an upload.
const MOST: usize = 256 * 1024;

/// Names and values, with errors by name. An empty one is a blank form.
#[derive(Debug, Clone, Default)]
pub(in crate::serve) struct Form {
    lang: Lang,
    values: BTreeMap<String, Vec<String>>,
    /// In the order in which the fields were read.
    errors: Vec<Wrong>,
}

/// What is wrong with a field.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Wrong {
    pub(in crate::serve) name: &'static str,
    /// The field's own name, where the sentence doesn't say which it is.
    pub(in crate::serve) label: Option<&'static str>,
    pub(in crate::serve) why: String,
}

impl Form {
    pub(in crate::serve) fn blank(lang: Lang) -> Self {
        Self {
            lang,
            ..Self::default()
        }
    }

    /// A form of bytes or of a query: `a=1&b=2`.
    pub(in crate::serve) fn decode(lang: Lang, bytes: &[u8]) -> Self {
        let mut form = Self::blank(lang);
        for (name, value) in form_urlencoded::parse(bytes) {
            form.add(&name, &value);
        }
        form
    }

    /// Adds a value, as from a part of an upload.
    pub(in crate::serve) fn add(&mut self, name: &str, value: &str) {
        let values = self.values.entry(name.to_owned()).or_default();
        values.push(value.replace("\r\n", "\n"));
    }

    /// Sets what a field holds at first.
    pub(in crate::serve) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values.insert(name.to_owned(), vec![value.into()]);
        self
    }

    /// What was typed, without space around it; empty where the field wasn't there.
    pub(in crate::serve) fn value(&self, name: &str) -> &str {
        let values = self.values.get(name);
        values.and_then(|v| v.first()).map_or("", |v| v.trim())
    }

    /// All values of a name: the boxes that were ticked.
    pub(in crate::serve) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.values.get(name).into_iter().flatten();
        values.map(|value| value.trim())
    }

    pub(in crate::serve) fn is_ticked(&self, name: &str) -> bool {
        self.value(name) == "yes"
    }

    /// A field with this label that must hold something, of so many characters at most. The error is noted.
    pub(in crate::serve) fn required(
        &mut self,
        name: &'static str,
        label: &'static str,
        most: usize,
    ) -> String {
        if self.value(name).is_empty() {
            self.lacking(name, label);
        }
        self.optional(name, most)
    }

    /// Notes that a field with this label holds nothing.
    pub(in crate::serve) fn lacking(&mut self, name: &'static str, label: &'static str) {
        let (label, why) = (Some(self.lang.t(label)), self.lang.t("form.empty").into());
        self.note(Wrong { name, label, why });
    }

    /// A field that may be empty.
    pub(in crate::serve) fn optional(&mut self, name: &'static str, most: usize) -> String {
        let value = self.value(name).to_owned();
        if value.chars().count() > most {
            self.wrong(name, self.lang.fill("form.long", [("n", most)]));
        }
        value
    }

    /// Notes what is wrong with a field, said in the reader's language. The first error stays.
    pub(in crate::serve) fn wrong(&mut self, name: &'static str, why: impl Into<String>) {
        let (label, why) = (None, why.into());
        self.note(Wrong { name, label, why });
    }

    fn note(&mut self, wrong: Wrong) {
        if self.error(wrong.name).is_none() {
            self.errors.push(wrong);
        }
    }

    fn error(&self, name: &str) -> Option<&Wrong> {
        self.errors.iter().find(|wrong| wrong.name == name)
    }

    pub(in crate::serve) fn is_wrong(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The status of a page that shows this form again.
    pub(in crate::serve) fn status(&self) -> StatusCode {
        if self.is_wrong() {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        }
    }

    /// What is wrong, for the summary above a form.
    pub(in crate::serve) fn errors(&self) -> &[Wrong] {
        &self.errors
    }

    /// A field as it is shown: `{{ form.field("text", "tips.text").required().area(8) }}`.
    pub(in crate::serve) fn field(&self, name: &'static str, label: &'static str) -> Field {
        let error = self.error(name).map(|wrong| wrong.why.clone());
        Field::new(self.lang, name, label, self.value(name).to_owned(), error)
    }

    /// Choices of a filter, all of them first.
    pub(in crate::serve) fn or_all(&self, choices: Vec<Choice>) -> Vec<Choice> {
        let all = Choice::new("", self.lang.t("form.all"));
        std::iter::once(all).chain(choices).collect()
    }

    /// Choices with nothing chosen first.
    pub(in crate::serve) fn or_nothing(&self, choices: Vec<Choice>) -> Vec<Choice> {
        let nothing = Choice::new("", self.lang.t("form.choose"));
        std::iter::once(nothing).chain(choices).collect()
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Answer<Self> {
        let lang = super::visitor::Visitor::of(request.headers(), request.uri()).lang;
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|k| k.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "form",
                "this path takes a form of the type application/x-www-form-urlencoded",
            ));
        }
        let body: Body = request.into_body();
        let bytes = to_bytes(body, MOST).await.map_err(|_| {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!("the form has more than {MOST} bytes, or the connection broke"),
            )
        })?;
        Ok(Self::decode(lang, &bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_with_what_is_wrong() {
        let mut form = Form::decode(Lang::En, b"a=%3Cb%3E&c=yes&long=xxxx&tick=1&tick=2");
        assert_eq!(form.required("a", "form.send", 10), "<b>");
        assert_eq!(form.required("none", "form.send", 10), "");
        assert_eq!(form.optional("long", 3), "xxxx");
        assert!(form.is_ticked("c") && form.is_wrong());
        assert_eq!(form.values("tick").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(form.errors().len(), 2);
        let shown = form
            .field("a", "form.send")
            .hint("form.empty")
            .max(9)
            .to_string();
        assert!(
            shown.contains("value=\"&#60;b&#62;\"") && shown.contains("a-hint"),
            "{shown}"
        );
        let shown = form
            .field("none", "form.send")
            .required()
            .area(3)
            .to_string();
        assert!(
            shown.contains("aria-invalid") && shown.contains("none-error"),
            "{shown}"
        );
        let two = vec![Choice::new("x", "X"), Choice::new("yes", "Y")];
        let shown = form.field("c", "form.send").select(two.clone()).to_string();
        assert!(shown.contains("value=\"yes\" selected"), "{shown}");
        let shown = form.field("c", "form.send").radios(two).to_string();
        assert!(
            shown.contains("<fieldset") && shown.contains("checked"),
            "{shown}"
        );
    }
}
