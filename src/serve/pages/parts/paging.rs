//! The way through a long list, page by page.

use super::super::texts::Lang;
use askama::{Template, filters::HtmlSafe};

/// Links to the pages before and after.
#[derive(Template, Default)]
#[template(path = "parts/paging.html")]
pub(in crate::serve) struct Paging {
    lang: Lang,
    first: Option<String>,
    before: Option<String>,
    after: Option<String>,
    /// Such as `51–100 / 1.234`.
    where_: String,
}

impl HtmlSafe for Paging {}

impl Paging {
    pub(in crate::serve) fn new(lang: Lang, here: impl Into<String>) -> Self {
        Self {
            lang,
            where_: here.into(),
            ..Self::default()
        }
    }

    /// The paths of the first page, the one before and the one after, where there are any.
    pub(in crate::serve) fn to(
        mut self,
        first: Option<String>,
        before: Option<String>,
        after: Option<String>,
    ) -> Self {
        (self.first, self.before, self.after) = (first, before, after);
        self
    }
}
