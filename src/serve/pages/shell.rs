//! What stands around the content of every page: title, language, navigation, who is signed in.

use super::{
    assets, clock,
    clock::Moment,
    parts::{Badge, Notice, Tone},
    texts::Lang,
    visitor::{Visitor, in_language},
};

use std::borrow::Borrow;

/// The frame of a page. Templates extend `base.html` and have one in their field `shell`.
pub(in crate::serve) struct Shell {
    pub(in crate::serve) lang: Lang,
    pub(in crate::serve) title: String,
    /// Path and query of this page.
    pub(in crate::serve) path: String,
    pub(in crate::serve) nav: Vec<NavItem>,
    /// Who is signed in.
    pub(in crate::serve) person: Option<Person>,
    /// What a form of this session sends back in its field `csrf`; empty without a session.
    pub(in crate::serve) csrf: String,
    pub(in crate::serve) notices: Vec<Notice>,
}

/// A place of the navigation.
pub(in crate::serve) struct NavItem {
    pub(in crate::serve) href: &'static str,
    pub(in crate::serve) label: &'static str,
    pub(in crate::serve) current: bool,
}

/// Who is signed in, as the page's head names them.
pub(in crate::serve) struct Person {
    pub(in crate::serve) name: String,
    pub(in crate::serve) unit: String,
}

/// Paths of the public navigation, with the keys of their labels.
const PUBLIC: [(&str, &str); 6] = [
    ("/lookup", "nav.lookup"),
    ("/decisions", "nav.decisions"),
    ("/statistics", "nav.statistics"),
    ("/tips/new", "nav.tips"),
    ("/appeals/new", "nav.appeals"),
    ("/verify", "nav.verify"),
];

impl Shell {
    /// The frame of a public page; `title` is said already in the visitor's language.
    pub(in crate::serve) fn public(visitor: &Visitor, title: impl Into<String>) -> Self {
        let lang = visitor.lang;
        let items = PUBLIC.map(|(href, key)| NavItem {
            href,
            label: lang.t(key),
            current: visitor.path.starts_with(href),
        });
        Self::framed(visitor, title, items.into())
    }

    /// A frame with a navigation of its own, such as the desk's.
    pub(in crate::serve) fn framed(
        visitor: &Visitor,
        title: impl Into<String>,
        nav: Vec<NavItem>,
    ) -> Self {
        Self {
            lang: visitor.lang,
            title: title.into(),
            path: visitor.path.clone(),
            nav,
            person: None,
            csrf: String::new(),
            notices: Vec::new(),
        }
    }

    /// The same with somebody signed in, and the session's token for its forms.
    pub(in crate::serve) fn signed_in(mut self, person: Person, csrf: impl Into<String>) -> Self {
        self.person = Some(person);
        self.csrf = csrf.into();
        self
    }

    /// A text of the catalogue, for templates.
    pub(in crate::serve) fn t(&self, key: &'static str) -> &'static str {
        self.lang.t(key)
    }

    pub(in crate::serve) fn asset(&self, name: &str) -> &'static str {
        assets::path(name)
    }

    /// A moment by Vietnam's clock.
    pub(in crate::serve) fn time(&self, unix: &u64) -> Moment {
        Moment::new(self.lang, *unix)
    }

    /// A moment by both clocks.
    pub(in crate::serve) fn times(&self, unix: &u64) -> Moment {
        Moment::new(self.lang, *unix).both()
    }

    pub(in crate::serve) fn date(&self, unix: &u64) -> String {
        clock::date(self.lang, *unix)
    }

    /// The last day that an end still counts.
    pub(in crate::serve) fn last_day(&self, unix: &u64) -> String {
        clock::last_day(self.lang, *unix)
    }

    pub(in crate::serve) fn span(&self, seconds: &u64) -> String {
        clock::span(self.lang, *seconds)
    }

    pub(in crate::serve) fn number(&self, n: &u64) -> String {
        clock::number(self.lang, *n)
    }

    /// A box with a text of the catalogue.
    pub(in crate::serve) fn notice(&self, tone: impl Borrow<Tone>, key: &'static str) -> Notice {
        Notice::new(*tone.borrow(), self.lang.t(key))
    }

    /// A short word of a state, in a colour and with a sign.
    pub(in crate::serve) fn badge(&self, tone: impl Borrow<Tone>, key: &'static str) -> Badge {
        Badge::new(*tone.borrow(), self.lang.t(key))
    }

    pub(in crate::serve) fn other(&self) -> Lang {
        self.lang.other()
    }

    pub(in crate::serve) fn in_other(&self) -> String {
        in_language(&self.path, self.lang.other())
    }
}
