//! A field of a form: label, hint, what was typed before, what is wrong with it.

use super::super::texts::Lang;
use askama::{Template, filters::HtmlSafe};

/// One field, from [`super::super::form::Form::field`]; what isn't said has a plain default.
#[derive(Template)]
#[template(path = "parts/field.html")]
pub(in crate::serve) struct Field {
    lang: Lang,
    name: &'static str,
    label: &'static str,
    hint: Option<&'static str>,
    value: String,
    error: Option<String>,
    shape: Shape,
    required: bool,
    max: Option<u32>,
    autocomplete: Option<&'static str>,
    says_optional: bool,
}

/// One of several.
#[derive(Debug, Clone)]
pub(in crate::serve) struct Choice {
    pub(in crate::serve) value: String,
    pub(in crate::serve) label: String,
}

enum Shape {
    /// The `type` of an input.
    Line(&'static str),
    Area(u32),
    Select(Vec<Choice>),
    Radios(Vec<Choice>),
    Check,
    /// What it takes, as the endings of names.
    File(&'static str),
}

impl HtmlSafe for Field {}

impl Choice {
    pub(in crate::serve) fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        let (value, label) = (value.into(), label.into());
        Self { value, label }
    }
}

impl Field {
    pub(in crate::serve) fn new(
        lang: Lang,
        name: &'static str,
        label: &'static str,
        value: String,
        error: Option<String>,
    ) -> Self {
        Self {
            lang,
            name,
            label: lang.t(label),
            hint: None,
            value,
            error,
            shape: Shape::Line("text"),
            required: false,
            max: None,
            autocomplete: None,
            says_optional: true,
        }
    }

    /// What to write, in a sentence below the label: a key of the catalogue.
    pub(in crate::serve) fn hint(mut self, key: &'static str) -> Self {
        self.hint = Some(self.lang.t(key));
        self
    }

    pub(in crate::serve) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The most characters.
    pub(in crate::serve) fn max(mut self, characters: u32) -> Self {
        self.max = Some(characters);
        self
    }

    /// The `type` of the input: `email`, `password`, `date`, `number`, `url`.
    pub(in crate::serve) fn kind(mut self, kind: &'static str) -> Self {
        self.shape = Shape::Line(kind);
        self
    }

    /// A text of several lines.
    pub(in crate::serve) fn area(mut self, rows: u32) -> Self {
        self.shape = Shape::Area(rows);
        self
    }

    pub(in crate::serve) fn select(mut self, choices: Vec<Choice>) -> Self {
        self.shape = Shape::Select(choices);
        self
    }

    pub(in crate::serve) fn radios(mut self, choices: Vec<Choice>) -> Self {
        self.shape = Shape::Radios(choices);
        self
    }

    /// A box to tick; its value is `yes`.
    pub(in crate::serve) fn check(mut self) -> Self {
        self.shape = Shape::Check;
        self
    }

    /// A file with one of these endings.
    pub(in crate::serve) fn file(mut self, endings: &'static str) -> Self {
        self.shape = Shape::File(endings);
        self
    }

    /// As in HTML: `one-time-code`, `current-password`, `off`.
    pub(in crate::serve) fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = Some(what);
        self
    }

    /// Nobody has to be told that it may be left open: a field of a filter, one of two of which one is needed.
    pub(in crate::serve) fn unmarked(mut self) -> Self {
        self.says_optional = false;
        self
    }

    /// The ids of hint and error, for `aria-describedby`.
    fn described(&self) -> String {
        let hint = self.hint.map(|_| format!("{}-hint", self.name));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.name));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        ids.join(" ")
    }

    fn is_group(&self) -> bool {
        matches!(self.shape, Shape::Radios(_))
    }
}
