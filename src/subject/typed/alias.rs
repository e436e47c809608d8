//! Two spellings of one seller or account on a line: `https://shopee.vn/shop/123456 = https://shopee.vn/some_name`. Only the
//! platform can join a name to its number, so somebody must say it: the number stands on the left and is the subject.

use super::super::platforms::{Platform, Role};
use super::super::{Kind, Platforms, Subject, shortened};
use super::{Code, Note, Read, Unusable, member, refuse};

/// Reads `identity = name [= name …]`, or nothing where the text isn't of that form.
pub(super) fn read(text: &str, platforms: &Platforms) -> Option<Result<Read, Unusable>> {
    let (left, names) = text.split_once(" = ")?;
    let mut read = match super::read(left, platforms) {
        Ok(read) => read,
        // A URL or a subject that can't be used says why; anything else isn't meant as a spelling.
        Err(unusable) if left.contains(['/', ':']) => return Some(Err(unusable)),
        Err(_) => return None,
    };
    let row = row_of(read.line.subject(), platforms)?;
    for name in names.split(" = ") {
        match one(name.trim(), &read, row, platforms) {
            Ok(name) if read.aliases.contains(&name) => {}
            Ok(name) => read.aliases.push(name),
            Err(unusable) => return Some(Err(unusable)),
        }
    }
    read.notes.push(Note::Alias);
    Some(Ok(read))
}

fn one(
    name: &str,
    left: &Read,
    row: &Platform,
    platforms: &Platforms,
) -> Result<Subject, Unusable> {
    let title = &row.title;
    let identity = left.line.subject();
    if row.role_of(identity) != Role::Identity {
        return Err(bad(match row.has_identity() {
            true => format!(
                "what stands on the left is no id of {title} that never changes; put the number on the left"
            ),
            false => format!(
                "ids of {title} are names alone, so that neither side is the identity; give each a line of its own"
            ),
        }));
    }
    let subject = match name.starts_with('@') {
        true => member::by_id(name, row).map_err(|unusable| match unusable.code {
            Code::NotAnAccount => bad(unusable.message),
            _ => unusable,
        })?,
        false => super::read(name, platforms)?.line.subject().clone(),
    };
    if row_of(&subject, platforms).is_none_or(|other| !std::ptr::eq(other, row)) {
        let name = shortened(name);
        return Err(bad(format!(
            "`{name}` is no name on {title}; both sides are of one platform"
        )));
    }
    match row.role_of(&subject) {
        Role::Alias => Ok(subject),
        Role::Identity => Err(bad(format!(
            "{subject} is an id of its own, so that the two sides are two members of {title}; give each a line of its own"
        ))),
        Role::Own => Err(bad(format!(
            "{subject} is a thing of its own on {title} and no name of {identity}; give each a line of its own"
        ))),
    }
}

fn row_of<'p>(subject: &Subject, platforms: &'p Platforms) -> Option<&'p Platform> {
    if !matches!(subject.kind(), Kind::Seller | Kind::Account) {
        return None;
    }
    let (platform, _) = subject.name().split_once('/')?;
    platforms.named(subject.kind(), platform)
}

fn bad(what: String) -> Unusable {
    refuse(Code::BadAlias, what)
}
