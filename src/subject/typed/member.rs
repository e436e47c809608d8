//! Sellers and accounts: by `seller:platform/id`, and by the URLs of their platforms, which are never cut to their host.

use super::super::platforms::{Platform, Refused};
use super::super::{Kind, OwnedLine, Platforms, Scope, Subject, shortened};
use super::{Code, Note, Unusable, looks_personal, refuse};

/// `seller:…` and `account:…`, the kind in any case.
pub(super) fn typed(kind: &str, rest: &str, platforms: &Platforms) -> Result<OwnedLine, Unusable> {
    let (platform, id) = rest.split_once('/').unwrap_or((rest, ""));
    let kind = if kind.eq_ignore_ascii_case("seller") {
        Kind::Seller
    } else {
        Kind::Account
    };
    let Some(row) = platforms.named(kind, &platform.to_lowercase()) else {
        let rows = platforms.rows().iter().filter(|row| row.kind == kind);
        let known: Vec<&str> = rows.map(|row| row.name.as_str()).collect();
        let what = format!(
            "`{}` is no platform of a {kind} that is known; known are {}",
            shortened(platform),
            known.join(", ")
        );
        return Err(refuse(Code::UnknownPlatform, what));
    };
    let subject = by_id(id, row)?;
    Ok(OwnedLine::new(subject, Scope::Exact))
}

/// An id as it stands after `platform/`.
pub(super) fn by_id(id: &str, row: &Platform) -> Result<Subject, Unusable> {
    row.read_id(id).map_err(|refused| match refused {
        Refused::NotAnAccount if looks_personal(id) => refusal(Refused::PersonalData, row),
        Refused::NotAnAccount => refuse(
            Code::NotAnAccount,
            format!("`{}` has the form of no id on {}", shortened(id), row.title),
        ),
        refused => refusal(refused, row),
    })
}

/// A URL on a platform's host (or an app's, `tg://resolve`); nothing where the host is no platform's.
pub(super) fn at_url(
    host: &str,
    path: &str,
    query: &str,
    platforms: &Platforms,
    notes: &mut Vec<Note>,
) -> Option<Result<OwnedLine, Unusable>> {
    let read = platforms.read_url(host, path, query)?;
    Some(match read {
        Ok(member) => {
            if member.listing {
                notes.push(Note::Listing);
            }
            Ok(OwnedLine::new(member.subject, Scope::Exact))
        }
        Err((refused, platform)) => Err(refusal(refused, platform)),
    })
}

/// A bare host that is a member's own name below the platform's (`name.t.me`): the member; else the line as it is.
pub(super) fn at_name(line: OwnedLine, platforms: &Platforms) -> Result<OwnedLine, Unusable> {
    let subject = line.subject();
    if subject.kind() != Kind::Domain {
        return Ok(line);
    }
    match platforms.read_host(subject.name()) {
        None => Ok(line),
        Some(Ok(subject)) => Ok(OwnedLine::new(subject, Scope::Exact)),
        Some(Err((refused, platform))) => Err(refusal(refused, platform)),
    }
}

fn refusal(refused: Refused, platform: &Platform) -> Unusable {
    let title = &platform.title;
    let (code, what) = match refused {
        Refused::AmbiguousUrl => (
            Code::AmbiguousUrl,
            format!(
                "programs disagree on where this URL on {title} leads (`..`, `\\`, or one parameter with two values); open it and enter the plain address"
            ),
        ),
        Refused::ListingWithoutSeller => (
            Code::ListingWithoutSeller,
            format!(
                "it is a product on {title} whose URL doesn't say who sells it; open it and enter the address of its shop"
            ),
        ),
        Refused::NotAnAccount => (
            Code::NotAnAccount,
            format!(
                "it is a page on {title} (a video, a post, a category) and no seller or account; enter the seller's or account's own address"
            ),
        ),
        Refused::PersonalData => (
            Code::PersonalData,
            format!(
                "it is a telephone number on {title}, which never enters a list; enter the account by its id"
            ),
        ),
        Refused::ReservedPath => (
            Code::ReservedPath,
            format!(
                "it is a page of {title} itself and nobody's; enter the violator's own address"
            ),
        ),
        Refused::TestHost => (
            Code::TestHost,
            format!("it is a test installation of {title}, not the live one"),
        ),
        Refused::UnresolvedLink => (
            Code::UnresolvedLink,
            format!("it is a short link of {title}; open it and enter where it leads"),
        ),
    };
    refuse(code, what)
}
