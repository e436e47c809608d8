//! What an officer types or pastes, read to a canonical line or refused with the sentence that says what to do.
//!
//! Design: Checks (judgement on URLs), Bad input. One text is one subject: a name, an address, a network, a URL, a canonical
//! line, or a line of a hosts file, of Adblock, dnsmasq, Unbound, RPZ or Surge rules. Nothing is dropped or mended beyond
//! canonical form; what was understood from the shape of a line comes back as a [`Note`]. Two spellings of one seller or
//! account stand on a line as `number = name`; the names come back as aliases.

mod alias;
mod host;
mod member;
mod rule;

use super::{Line, OwnedLine, Platforms, Scope, Subject, shortened};

/// A text that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub line: OwnedLine,
    pub notes: Vec<Note>,
    /// Names of the same seller or account, as the line states them; the line's subject is the identity.
    pub aliases: Vec<Subject>,
}

impl Read {
    fn new(line: OwnedLine, notes: Vec<Note>) -> Read {
        let aliases = Vec::new();
        Read {
            line,
            notes,
            aliases,
        }
    }
}

/// What the officer should know about how a text was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Note {
    /// A bare address: a network of one.
    Address,
    /// The line states other names of its seller or account.
    Alias,
    /// Something after the subject was a comment.
    Comment,
    /// `hxxp`, `[.]`: written so that it can't be clicked.
    Defanged,
    /// A line of a hosts file, which for its own tool is the name alone, taken with all below it.
    Hosts,
    /// A listing, taken for the seller whose id its URL carries.
    Listing,
    /// The default port of the scheme.
    Port,
    /// A blocking rule of another tool.
    Rule,
    /// `*.name`: the subtree, the name itself included.
    Wildcard,
    /// `www.name`: the bare name isn't covered.
    Www,
}

impl Note {
    pub const ALL: [Note; 10] = [
        Note::Address,
        Note::Alias,
        Note::Comment,
        Note::Defanged,
        Note::Hosts,
        Note::Listing,
        Note::Port,
        Note::Rule,
        Note::Wildcard,
        Note::Www,
    ];

    pub fn code(self) -> &'static str {
        match self {
            Note::Address => "address",
            Note::Alias => "alias",
            Note::Comment => "comment",
            Note::Defanged => "defanged",
            Note::Hosts => "hosts",
            Note::Listing => "listing",
            Note::Port => "default_port",
            Note::Rule => "rule",
            Note::Wildcard => "wildcard",
            Note::Www => "www",
        }
    }
}

/// A text that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unusable {
    pub code: Code,
    /// One English sentence: what is wrong and what to do.
    pub message: String,
    /// What could be entered instead, in canonical form, if the officer means that.
    pub offer: Option<String>,
}

/// Why a text can't be used. The name of each, in lower case with underscores, is its code (`check::rules` explains them).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    AllowRule,
    AmbiguousUrl,
    BadAddress,
    BadAlias,
    BadIdn,
    BadName,
    ControlCharacter,
    HostBits,
    InnerWildcard,
    ListingWithoutSeller,
    NotAList,
    NotAnAccount,
    NotUtf8,
    OneLabel,
    PersonalData,
    Port,
    ReservedPath,
    RuleOptions,
    SeveralSubjects,
    TestHost,
    UnknownPlatform,
    UnresolvedLink,
    UrlWithPath,
    UserInfo,
    V4Mapped,
}

impl Code {
    pub const ALL: [Code; 25] = [
        Code::AllowRule,
        Code::AmbiguousUrl,
        Code::BadAddress,
        Code::BadAlias,
        Code::BadIdn,
        Code::BadName,
        Code::ControlCharacter,
        Code::HostBits,
        Code::InnerWildcard,
        Code::ListingWithoutSeller,
        Code::NotAList,
        Code::NotAnAccount,
        Code::NotUtf8,
        Code::OneLabel,
        Code::PersonalData,
        Code::Port,
        Code::ReservedPath,
        Code::RuleOptions,
        Code::SeveralSubjects,
        Code::TestHost,
        Code::UnknownPlatform,
        Code::UnresolvedLink,
        Code::UrlWithPath,
        Code::UserInfo,
        Code::V4Mapped,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Code::AllowRule => "allow_rule",
            Code::AmbiguousUrl => "ambiguous_url",
            Code::BadAddress => "bad_address",
            Code::BadAlias => "bad_alias",
            Code::BadIdn => "bad_idn",
            Code::BadName => "bad_name",
            Code::ControlCharacter => "control_character",
            Code::HostBits => "host_bits",
            Code::InnerWildcard => "inner_wildcard",
            Code::ListingWithoutSeller => "listing_without_seller",
            Code::NotAList => "not_a_list",
            Code::NotAnAccount => "not_an_account",
            Code::NotUtf8 => "not_utf8",
            Code::OneLabel => "one_label",
            Code::PersonalData => "personal_data",
            Code::Port => "port",
            Code::ReservedPath => "reserved_path",
            Code::RuleOptions => "rule_options",
            Code::SeveralSubjects => "several_subjects",
            Code::TestHost => "test_host",
            Code::UnknownPlatform => "unknown_platform",
            Code::UnresolvedLink => "unresolved_link",
            Code::UrlWithPath => "url_with_path",
            Code::UserInfo => "user_info",
            Code::V4Mapped => "v4_mapped",
        }
    }
}

/// Reads one text. Blank lines and comments are told apart by [`skipped`] first.
pub fn read(text: &str, platforms: &Platforms) -> Result<Read, Unusable> {
    let text = trimmed(text);
    if is_plain(text) && !platforms.gives_names(text) {
        let subject = Subject {
            kind: super::Kind::Domain,
            name: text.to_owned(),
        };
        return Ok(Read::new(
            OwnedLine::new(subject, Scope::Subtree),
            Vec::new(),
        ));
    }
    if let Some(found) = text.chars().find(|&c| is_forbidden(c)) {
        let what = format!(
            "it holds the invisible character U+{:04X}, which can make a line look like another; type it anew",
            found as u32
        );
        return Err(refuse(Code::ControlCharacter, what));
    }
    if looks_personal(text) {
        let what = "it looks like a telephone number, an e-mail address or another person's number, which never enters a list";
        return Err(refuse(Code::PersonalData, what.to_owned()));
    }
    let mut notes = Vec::new();
    let text = without_comment(text, &mut notes);
    if let Some(read) = alias::read(text, platforms) {
        return read.map(|read| with_notes(read, notes));
    }
    let (text, scope) = match text
        .strip_suffix(" +")
        .map(|t| (t, Scope::Subtree))
        .or(text.strip_suffix(" =").map(|t| (t, Scope::Exact)))
    {
        Some((text, scope)) => (text.trim_end(), Some(scope)),
        None => (text, None),
    };
    if let Some(line) = explicit(text, scope, platforms, &mut notes)? {
        return Ok(Read::new(line, notes));
    }
    let (inner, ruled) = rule::unwrap(text, &mut notes)?;
    let line = host::read(
        inner,
        scope.or(ruled).unwrap_or(Scope::Subtree),
        platforms,
        &mut notes,
    )?;
    // A scope, a rule or a star is about the name; without them a member's own name is the member.
    let line = match scope.is_none() && inner == text && !notes.contains(&Note::Wildcard) {
        true => member::at_name(line, platforms)?,
        false => line,
    };
    Ok(Read::new(line, notes))
}

fn with_notes(mut read: Read, notes: Vec<Note>) -> Read {
    read.notes.extend(notes);
    read
}

/// Why a line of a list holds nothing to read: `blank`, `comment` or `header`.
pub fn skipped(text: &str) -> Option<&'static str> {
    let text = trimmed(text);
    if text.is_empty() {
        return Some("blank");
    }
    let comment = text.starts_with(['#', '!', ';']) || text.starts_with("// ") || text == "//";
    if comment && !text.starts_with("##") || text.starts_with("###") {
        return Some("comment");
    }
    rule::is_header(text).then_some("header")
}

/// Without byte order mark, blanks of any kind, and the quotes and comma of a spreadsheet or JSON cell.
fn trimmed(text: &str) -> &str {
    let blank = |c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\0');
    let text = text.trim_matches(blank);
    let cell = text.strip_suffix(',').unwrap_or(text);
    match cell.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        Some(inner) => inner.trim_matches(blank),
        None => text,
    }
}

/// A bare name in small ASCII letters without anything to remark, as nearly all lines of long lists are: read at once.
fn is_plain(text: &str) -> bool {
    super::domain::check(text).is_ok()
        && !text.starts_with("www.")
        && !super::domain::has_a_label(text)
}

/// What signed bytes never hold (design: The log, *Canonical JSON*), a tab apart, which parts columns; and what can't be
/// seen although names are read without it (soft hyphen, word joiner and their like).
fn is_forbidden(c: char) -> bool {
    c != '\t'
        && matches!(c, '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
            | '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{2060}'..='\u{2064}')
}

/// A telephone, identity or bank number, or an e-mail address: digits with the usual separators, 8 to 19 of them, and no
/// address or network.
fn looks_personal(text: &str) -> bool {
    let rest = text.strip_prefix("tel:").unwrap_or(text);
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    let numeric = rest
        .bytes()
        .all(|b| b.is_ascii_digit() || b" +-.()\t".contains(&b));
    if numeric && (8..=19).contains(&digits) && !host::is_address(rest) {
        return rest.matches('.').count() != 3;
    }
    let mail = text.strip_prefix("mailto:").unwrap_or(text);
    match mail.split_once('@') {
        Some((user, host)) => {
            !user.is_empty()
                && !host.contains(['@', '/', '|'])
                && host.contains('.')
                && !user.contains(['/', ':', '|', '@'])
        }
        None => false,
    }
}

/// Without a comment at the end: ` # …`, ` ; …`, ` ! …`, ` // …`.
fn without_comment<'t>(text: &'t str, notes: &mut Vec<Note>) -> &'t str {
    let marks = [" #", "\t#", " ;", "\t;", " // "];
    let end = marks.iter().filter_map(|mark| text.find(mark)).min();
    match end.and_then(|end| text.get(..end)) {
        Some(kept) => {
            notes.push(Note::Comment);
            kept.trim_end()
        }
        None => text,
    }
}

/// `domain:…`, `net:…`, `seller:…`, `account:…` as they stand in a part or a subject.
fn explicit(
    text: &str,
    scope: Option<Scope>,
    platforms: &Platforms,
    notes: &mut Vec<Note>,
) -> Result<Option<OwnedLine>, Unusable> {
    let Some((kind, rest)) = text.split_once(':') else {
        return Ok(None);
    };
    match kind.to_ascii_lowercase().as_str() {
        "domain" | "net" if !rest.starts_with("//") => {
            let line = host::read(
                rest.trim(),
                scope.unwrap_or(Scope::Subtree),
                platforms,
                notes,
            )?;
            match line.subject().kind().as_str() == kind.to_ascii_lowercase() {
                true => Ok(Some(line)),
                false => Err(offering(
                    Code::BadName,
                    format!("{} is no {kind}", shortened(rest)),
                    line.line(),
                )),
            }
        }
        "seller" | "account" => member::typed(kind, rest.trim(), platforms).map(Some),
        _ => Ok(None),
    }
}

fn refuse(code: Code, message: String) -> Unusable {
    Unusable {
        code,
        message,
        offer: None,
    }
}

fn offering(code: Code, message: String, offer: Line<'_>) -> Unusable {
    Unusable {
        code,
        message,
        offer: Some(offer.to_string()),
    }
}

fn domain_line(name: &str, scope: Scope) -> Option<OwnedLine> {
    Subject::parse(&format!("domain:{name}"))
        .ok()
        .map(|subject| OwnedLine::new(subject, scope))
}

#[cfg(test)]
mod tests;
