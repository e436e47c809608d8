use super::*;

fn platforms() -> Platforms {
    Platforms::parse(include_str!("../../../lists/platforms.toml")).unwrap()
}

fn shown(text: &str) -> String {
    match read(text, &platforms()) {
        Ok(read) => {
            let notes: Vec<_> = read.notes.iter().map(|note| note.code()).collect();
            format!("{} {}", read.line, notes.join(","))
                .trim_end()
                .to_owned()
        }
        Err(unusable) => format!(
            "{} {}",
            unusable.code.as_str(),
            unusable.offer.unwrap_or_default()
        )
        .trim_end()
        .to_owned(),
    }
}

#[test]
fn names_and_urls() {
    for (text, expected) in [
        ("shop.vn", "domain:shop.vn +"),
        ("\u{feff}Shop.VN.\r", "domain:shop.vn +"),
        ("shop.vn =", "domain:shop.vn ="),
        ("domain:shop.vn =", "domain:shop.vn ="),
        ("https://shop.vn/", "domain:shop.vn +"),
        ("https://shop.vn:443/", "domain:shop.vn + default_port"),
        ("shop.vn:8080", "port domain:shop.vn +"),
        ("https://shop.vn/a", "url_with_path domain:shop.vn +"),
        ("https://shop.vn/?a=1", "url_with_path domain:shop.vn +"),
        ("https://a:b@shop.vn/", "user_info"),
        ("hxxps://shop[.]vn/", "domain:shop.vn + defanged"),
        ("*.shop.vn", "domain:shop.vn + wildcard"),
        ("*://*.shop.vn/*", "domain:shop.vn + wildcard"),
        ("a*b.shop.vn", "inner_wildcard"),
        ("www.shop.vn", "domain:www.shop.vn + www"),
        ("www.vn", "domain:www.vn +"),
        ("cốccốc.vn", "domain:xn--cccc-0x5ac.vn +"),
        ("xn--zzzzzzzz.vn", "bad_idn"),
        ("faß.de", "domain:xn--fa-hia.de +"),
        ("vn", "one_label"),
        ("a..vn", "bad_name"),
        ("sho\u{202e}p.vn", "control_character"),
        ("shop.vn # bad shop", "domain:shop.vn + comment"),
        ("a.vn b.vn", "several_subjects"),
        ("0912 345 678", "personal_data"),
        ("+84912345678", "personal_data"),
        ("a.b@shop.vn", "personal_data"),
        ("\"shop.vn\",", "domain:shop.vn +"),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn networks() {
    for (text, expected) in [
        ("203.0.113.0/24", "net:203.0.113.0/24"),
        ("net:203.0.113.0/24", "net:203.0.113.0/24"),
        ("203.0.113.9", "net:203.0.113.9/32 address"),
        ("http://203.0.113.9/", "net:203.0.113.9/32 address"),
        ("203.0.113.9:8080", "port net:203.0.113.9/32"),
        ("2001:DB8::1", "net:2001:db8::1/128 address"),
        ("[2001:db8::1]", "net:2001:db8::1/128 address"),
        ("203.0.113.7/24", "host_bits net:203.0.113.0/24"),
        ("203.0.113.0/33", "bad_address"),
        ("::ffff:203.0.113.9", "v4_mapped"),
        ("203.0.113", "bad_address"),
        ("127.1", "bad_address"),
        ("1.2.3.0/24 ; SBL123", "net:1.2.3.0/24 comment"),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}

#[test]
fn rules_of_other_tools() {
    for (text, expected) in [
        ("0.0.0.0 shop.vn", "domain:shop.vn + hosts"),
        ("127.0.0.1\tshop.vn", "domain:shop.vn + hosts"),
        ("203.0.113.9 shop.vn", "several_subjects"),
        ("||shop.vn^", "domain:shop.vn + rule"),
        ("||shop.vn^$third-party", "rule_options"),
        ("@@||shop.vn^", "allow_rule"),
        ("address=/shop.vn/0.0.0.0", "domain:shop.vn + rule"),
        ("local=/shop.vn/", "domain:shop.vn + rule"),
        ("server=/shop.vn/203.0.113.9", "several_subjects"),
        ("DOMAIN-SUFFIX,Shop.vn", "domain:shop.vn + rule"),
        ("DOMAIN,shop.vn,REJECT", "domain:shop.vn = rule"),
        ("DOMAIN-KEYWORD,shop", "rule_options"),
        (
            "local-zone: \"shop.vn\" always_nxdomain",
            "domain:shop.vn + rule",
        ),
        ("*.shop.vn CNAME .", "domain:shop.vn + rule,wildcard"),
        ("shop.vn CNAME rpz-passthru.", "allow_rule"),
        ("{", "not_a_list"),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
    for (text, expected) in [
        ("", "blank"),
        ("# a", "comment"),
        ("! a", "comment"),
        ("$TTL 300", "header"),
        ("  NS localhost.", "header"),
        ("[Rule]", "header"),
    ] {
        assert_eq!(skipped(text), Some(expected), "{text:?}");
    }
    assert_eq!(skipped("shop.vn"), None);
}

#[test]
fn sellers_and_accounts() {
    for (text, expected) in [
        (
            "https://shopee.vn/shop/76334547/search?shopCollection=10993855",
            "seller:shopee.vn/76334547",
        ),
        (
            "https://shopee.vn/lovito.vn?shopCollection=249704111#product_list",
            "seller:shopee.vn/@lovito.vn",
        ),
        (
            "https://shopee.vn/-i.123.456",
            "seller:shopee.vn/123 listing",
        ),
        ("https://s.shopee.vn/9zswiBvchR", "unresolved_link"),
        ("https://uat.shopee.vn/shop/305492", "test_host"),
        (
            "//www.lazada.vn/shop/xtep-official-store/?itemId=348608175&amp;channelSource=pdp",
            "seller:lazada.vn/xtep-official-store",
        ),
        (
            "https://www.facebook.com/Some.Page",
            "account:facebook/somepage",
        ),
        (
            "https://m.facebook.com/profile.php?sk=x&id=101048191917982",
            "account:facebook/101048191917982",
        ),
        (
            "https://www.facebook.com/Example-Shop-101048191917982/",
            "account:facebook/101048191917982",
        ),
        (
            "https://www.facebook.com/groups/kamuwebshopok.hu",
            "account:facebook/group:kamuwebshopokhu",
        ),
        (
            "https://www.youtube.com/c/Tuy%E1%BB%81nM%E1%BB%91c1986/*",
            "account:youtube/c:TuyềnMốc1986",
        ),
        ("https://zalo.me/0912345678", "personal_data"),
        ("account:zalo/0912345678", "personal_data"),
        ("account:facebook/0912345678", "personal_data"),
        ("account:telegram/+84912345678", "personal_data"),
        ("https://t.me/+84912345678", "personal_data"),
        ("https://zalo.me/pc", "reserved_path"),
        (
            "https://t.me/+AAAAAEexample",
            "account:telegram/+AAAAAEexample",
        ),
        ("account:facebook/some.page", "account:facebook/somepage"),
        ("seller:shopee.vn/123456", "seller:shopee.vn/123456"),
        ("seller:nowhere.vn/1", "unknown_platform"),
    ] {
        assert_eq!(shown(text), expected, "{text:?}");
    }
}
