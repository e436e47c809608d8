//! A house with people at its desk: accounts that signed in as a browser does, and passkeys in
//! software that answer as an authenticator does.

#![allow(dead_code, reason = "each test uses its own part")]

use super::house::{self, House, Officer as Known, http::Answer};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use blockfeed::{
    canon::{Base64, KeyId},
    trust::{Alg, OfficerKey},
};
use p256::ecdsa::signature::Signer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use totp_rs::{Algorithm, Builder, Secret};
use url::form_urlencoded;

pub const PASSWORD: &str = "bốn con ngựa trắng trên đồi";
pub const RP_ID: &str = "desk.example";
pub const SITE: &str = "https://desk.example";

/// A passkey in software.
pub struct Passkey(p256::ecdsa::SigningKey);

impl Passkey {
    pub fn new(n: u8) -> Self {
        Self(p256::ecdsa::SigningKey::from_slice(&[n; 32]).unwrap())
    }

    pub fn point(&self) -> Vec<u8> {
        let key = p256::ecdsa::VerifyingKey::from(&self.0);
        key.to_sec1_point(false).as_bytes().to_vec()
    }

    /// As a browser's `getPublicKey()` gives it.
    pub fn spki(&self) -> Vec<u8> {
        let head = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        [hex::decode(head).unwrap(), self.point()].concat()
    }

    pub fn officer_key(&self) -> OfficerKey {
        OfficerKey {
            alg: Alg::WebauthnEs256,
            public: Base64(self.point()),
        }
    }

    /// The fields that the page's script fills in, for a challenge as the page states it.
    pub fn answer(&self, challenge: &str) -> Vec<(&'static str, String)> {
        let client = format!(
            r#"{{"type":"webauthn.get","challenge":"{challenge}","origin":"{SITE}","crossOrigin":false}}"#
        );
        let mut data = Sha256::digest(RP_ID.as_bytes()).to_vec();
        data.extend([0x05, 0, 0, 0, 1]);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(client.as_bytes()));
        let sig: p256::ecdsa::DerSignature = self.0.sign(&signed);
        vec![
            ("auth_data", STANDARD.encode(data)),
            ("client_data", STANDARD.encode(client)),
            ("sig", STANDARD.encode(sig.to_bytes())),
        ]
    }
}

/// Somebody with a browser.
pub struct Person<'h> {
    pub house: &'h House,
    pub name: String,
    /// `bf=…`, as it is sent; empty without a session.
    pub cookie: String,
    pub csrf: String,
    secret: Vec<u8>,
}

/// Puts a passkey beside the key of an officer, as root keys do.
pub fn give_passkey(house: &House, officer: Known, passkey: &Passkey) {
    house.renew_trust(|trust| {
        let officer = trust.officers.get_mut(&officer.id()).unwrap();
        officer
            .keys
            .insert(KeyId::new("k2").unwrap(), passkey.officer_key());
    });
}

/// The unit of whoever isn't said to be of another.
pub const UNIT: &str = "moit.e-commerce";

/// Makes an account; gives back the token of its link.
pub fn invite(
    house: &House,
    name: &str,
    unit: &str,
    roles: &[&str],
    officer: Option<&str>,
) -> String {
    let mut new = json!({ "name": name, "unit": unit, "roles": roles });
    if let Some(officer) = officer {
        new["officer"] = json!(officer);
    }
    let body = new.to_string();
    let made = house.signed(Known::Second, "POST", "/api/v1/accounts", body.as_bytes());
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["token"].as_str().unwrap().to_owned()
}

impl<'h> Person<'h> {
    /// Somebody whose account is set up, and who isn't signed in.
    pub fn enrolled(house: &'h House, name: &str, roles: &[&str], officer: Option<&str>) -> Self {
        Self::enrolled_at(house, UNIT, name, roles, officer)
    }

    fn enrolled_at(
        house: &'h House,
        unit: &str,
        name: &str,
        roles: &[&str],
        officer: Option<&str>,
    ) -> Self {
        let token = invite(house, name, unit, roles, officer);
        let place = format!("/desk/enrol/{token}");
        let page = house.get(&place);
        assert_eq!(page.status, 200, "{}", page.text());
        let text = page.text();
        let typed = text
            .split("<code>")
            .nth(1)
            .unwrap()
            .split('<')
            .next()
            .unwrap();
        let secret = Secret::try_from_base32(typed.replace(' ', "")).unwrap();
        let person = Self {
            house,
            name: name.to_owned(),
            cookie: String::new(),
            csrf: String::new(),
            secret: secret.as_bytes().to_vec(),
        };
        // The code of before, so that signing in has this one; its time may just be over.
        let enrol = || {
            let code = person.code(-30);
            let form = [("password", PASSWORD), ("again", PASSWORD), ("code", &code)];
            person.post(&place, &form)
        };
        let done = (0..5).map(|_| enrol()).find(|answer| answer.status != 422);
        assert_eq!(done.map(|answer| answer.status), Some(303));
        assert_eq!(house.get(&place).status, 410, "the link is good once");
        person
    }

    /// The same, signed in.
    pub fn signed_in(house: &'h House, name: &str, roles: &[&str], officer: Option<&str>) -> Self {
        Self::enrolled(house, name, roles, officer).admitted()
    }

    /// Somebody of another unit, signed in.
    pub fn of_unit(house: &'h House, unit: &str, name: &str, roles: &[&str]) -> Self {
        Self::enrolled_at(house, unit, name, roles, None).admitted()
    }

    /// Somebody after a restart of the house, with what they had.
    pub fn returning(house: &'h House, name: &str, secret: &[u8]) -> Self {
        Self {
            house,
            name: name.to_owned(),
            cookie: String::new(),
            csrf: String::new(),
            secret: secret.to_vec(),
        }
    }

    /// The secret of the one-time codes.
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    fn admitted(mut self) -> Self {
        let person = &mut self;
        let code = person.code(0);
        let answer = person.sign_in(PASSWORD, &code);
        assert_eq!(answer.status, 303, "{}", answer.text());
        self
    }

    /// The code of so many seconds from now.
    pub fn code(&self, seconds: i64) -> String {
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_secret(self.secret.clone().into_boxed_slice())
            .build()
            .unwrap();
        let at = house::now().checked_add_signed(seconds).unwrap();
        totp.generate(at).to_string()
    }

    /// Sends the sign-in form; takes up the session where there is one.
    pub fn sign_in(&mut self, password: &str, code: &str) -> Answer {
        let name = self.name.clone();
        let form = [
            ("name", name.as_str()),
            ("password", password),
            ("code", code),
        ];
        let answer = self.post("/desk/sign-in", &form);
        self.take_cookie(&answer);
        answer
    }

    pub fn take_cookie(&mut self, answer: &Answer) {
        let set = answer.header("set-cookie");
        if let Some(pair) = set.split(';').next().filter(|pair| pair.starts_with("bf=")) {
            self.cookie = pair.to_owned();
            let page = self.get("/desk/account");
            self.csrf = hidden(&page.text(), "csrf").unwrap_or_default();
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ("accept", "text/html")];
        self.house.send("GET", path, &headers, &[])
    }

    /// A form as a page of ours sends it.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = self.house.url();
        let headers = [
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        self.post_with(path, fields, &headers, &self.csrf)
    }

    pub fn post_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
        csrf: &str,
    ) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        if !csrf.is_empty() {
            form.append_pair("csrf", csrf);
        }
        let body = form.finish();
        let own = [
            ("cookie", self.cookie.as_str()),
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let headers = [&own[..], headers].concat();
        self.house.send("POST", path, &headers, body.as_bytes())
    }

    /// Prepares a list and waits until it is checked; gives back its path.
    pub fn prepare(&self, list: &str, more: &[(&str, &str)]) -> String {
        let end = house::now() + 90 * 86_400;
        let end = day(end);
        let mut fields = vec![
            ("list", list),
            ("category", "deceptive"),
            ("head", "trade_fraud"),
            ("goods", "other"),
            ("method", "other"),
            ("not_after", end.as_str()),
            ("authority", "moit.e-commerce"),
            ("number", "12/QĐ-TMĐT"),
            ("date", "2026-09-01"),
            ("reasons", "Giả mạo sàn thương mại điện tử."),
            ("days", "7"),
        ];
        fields.extend_from_slice(more);
        self.made("/desk/papers/new", &fields)
    }

    /// Sends what makes a paper; waits until it is ready.
    pub fn made(&self, to: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(to, fields);
        assert_eq!(answer.status, 303, "{}", answer.text());
        let place = answer.header("location").to_owned();
        self.ready(&place);
        place
    }

    /// The page of a paper, once it is checked.
    pub fn ready(&self, place: &str) -> String {
        for _ in 0..1200 {
            let text = self.get(place).text();
            if !text.contains("<progress") {
                return text;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{place} isn't ready after a minute");
    }

    /// Signs what a page asks for with a passkey.
    pub fn sign(&self, place: &str, passkey: &Passkey) -> Answer {
        let page = self.get(place).text();
        let to = between(&page, "<form method=\"post\" action=\"", "\" data-passkey").expect(&page);
        let to = to.rsplit('"').next().unwrap().to_owned();
        let challenge = between(&page, "data-challenge=\"", "\"").expect(&page);
        let key = between(&page, "name=\"key\" value=\"", "\"").expect(&page);
        let hash = hidden(&page, "hash").expect(&page);
        assert_eq!(URL_SAFE_NO_PAD.decode(&challenge).unwrap().len(), 32);
        let answer = passkey.answer(&challenge);
        let mut fields = vec![("key", key.as_str()), ("hash", hash.as_str())];
        fields.extend(answer.iter().map(|(name, value)| (*name, value.as_str())));
        self.post(&to, &fields)
    }
}

/// The value of a hidden field.
pub fn hidden(page: &str, name: &str) -> Option<String> {
    between(page, &format!("name=\"{name}\" value=\""), "\"")
}

pub fn between(page: &str, before: &str, after: &str) -> Option<String> {
    let rest = page.split_once(before)?.1;
    Some(rest.split_once(after)?.0.to_owned())
}

pub fn day(unix: u64) -> String {
    blockfeed::registry::Day::in_vietnam(i64::try_from(unix).unwrap()).to_string()
}

/// Whether a subject is in force, as the public asks.
pub fn is_listed(house: &House, q: &str) -> bool {
    let found: Value = house.get(&format!("/api/v1/lookup?q={q}")).json();
    found["listed"] == json!(true)
}
