//! What covers what: a subtree its names, a network the networks inside it (design: Words; The log, *Semantics*).

use super::{Kind, Line, Scope, net};

/// The name itself, then each parent, down to the last label: `a.b.vn`, `b.vn`, `vn`. Allocates nothing.
pub fn ancestors(name: &str) -> impl Iterator<Item = &str> {
    let first = Some(name).filter(|name| !name.is_empty());
    std::iter::successors(first, |below: &&str| parent(below))
}

/// The name above, or nothing above a last label.
pub fn parent(name: &str) -> Option<&str> {
    memchr::memchr(b'.', name.as_bytes()).and_then(|dot| name.get(dot + 1..))
}

/// Whether `name` is `parent` or lies below it.
pub fn is_within(parent: &str, name: &str) -> bool {
    name.strip_suffix(parent)
        .is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

/// Whether whatever `inner` blocks is blocked by `outer` too.
pub fn covers(outer: &Line<'_>, inner: &Line<'_>) -> bool {
    if outer.kind != inner.kind {
        return false;
    }
    match (outer.kind, outer.scope) {
        (Kind::Domain, Scope::Subtree) => is_within(outer.name, inner.name),
        (Kind::Net, _) => match (net::parse(outer.name), net::parse(inner.name)) {
            (Ok(outer), Ok(inner)) => outer.contains(&inner),
            _ => outer.name == inner.name,
        },
        _ => outer.name == inner.name && outer.scope == inner.scope,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cover() {
        let covers = |a, b| covers(&Line::parse(a).unwrap(), &Line::parse(b).unwrap());
        assert!(covers("domain:b.vn +", "domain:a.b.vn ="));
        assert!(covers("domain:b.vn +", "domain:b.vn ="));
        assert!(!covers("domain:b.vn =", "domain:b.vn +"));
        assert!(!covers("domain:b.vn =", "domain:a.b.vn ="));
        assert!(!covers("domain:b.vn +", "domain:ab.vn +"));
        assert!(covers("net:10.0.0.0/8", "net:10.1.0.0/16"));
        assert!(!covers("net:10.1.0.0/16", "net:10.0.0.0/8"));
        assert!(!covers("net:10.0.0.0/8", "net:2001:db8::/32"));
        assert_eq!(
            ancestors("a.b.vn").collect::<Vec<_>>(),
            ["a.b.vn", "b.vn", "vn"]
        );
    }
}
