//! The API's description, OpenAPI 3.1, from the same table as its routes: a route that isn't
//! described can't be served.

use super::{checking, matching, problem::Document};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, Info, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response, Schema, Tag,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::{ObjectBuilder, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

const ABOUT: &str = "\
The lists of Plan 399 for those who act on them.

A *cursor* is the truth: ask `/api/v1/changes` with the serial you hold, apply what comes, keep the \
new serial. A push, a long poll, a clock are hints only. Where `whole` is true, drop what you hold \
and take the set. Confirm what you did, entry by entry, with `/api/v1/acknowledgements`.

Every error is a problem document (RFC 9457) whose `code` programs may rely on. Every write by a \
token or an officer takes an `Idempotency-Key`. Times are Unix seconds.";

/// What stands in the document before any route.
pub(super) fn begin() -> OpenApi {
    let mut info = Info::new("Blockfeed", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.into());
    let tags = [
        ("public", "What anybody may ask"),
        ("feeds", "What is in force, and what changed"),
        ("acting", "What subscribers say they did"),
        ("subscribers", "Who reads: for officers"),
        ("desk", "Proposals and approvals: for officers"),
    ];
    let tags = tags.map(|(name, about)| {
        let mut tag = Tag::new(name);
        tag.description = Some(about.into());
        tag
    });
    let mut document = OpenApiBuilder::new().info(info).tags(Some(tags)).build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", token());
    components.add_security_scheme("officer", officer());
    let mut schemas = vec![(Document::name().into_owned(), Document::schema())];
    Document::schemas(&mut schemas);
    components.schemas.extend(schemas);
    document
}

/// Adds to every operation the refusals that it can answer.
pub(super) fn finish(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        each(item, |operation, writes| {
            let refusals = REFUSALS.iter().filter(|(_, _, when)| match when {
                When::Always => true,
                When::Writing => writes,
            });
            let asks = [matching::PATH, checking::PATH].contains(&path.as_str());
            if writes && operation.security.is_some() && !asks {
                let parameters = operation.parameters.get_or_insert_default();
                parameters.push(idempotency_key().into());
            }
            for (status, about, _) in refusals {
                let responses = &mut operation.responses.responses;
                let status = (*status).to_owned();
                responses
                    .entry(status)
                    .or_insert_with(|| refusal(about).into());
            }
        });
    }
    open_token(&mut document);
    document
}

/// As a row a token has no other fields; as an answer it has its secret beside them.
fn open_token(document: &mut OpenApi) {
    let schemas = document.components.as_mut().map(|c| &mut c.schemas);
    if let Some(RefOr::T(Schema::Object(token))) = schemas.and_then(|s| s.get_mut("Token")) {
        token.additional_properties = None;
    }
}

enum When {
    Always,
    Writing,
}

/// Status, when, and whether for writes alone. A credential that is shown and isn't good is
/// refused on every path, whether one is needed or not.
const REFUSALS: [(&str, &str, When); 10] = [
    ("400", "The request can't be understood", When::Always),
    (
        "401",
        "A credential is missing, or the one shown isn't good",
        When::Always,
    ),
    (
        "403",
        "The credential is good and isn't enough",
        When::Always,
    ),
    ("404", "There is no such thing", When::Always),
    ("409", "It contradicts what was done before", When::Writing),
    ("413", "The body is too long", When::Writing),
    ("422", "It was understood and can't be used", When::Always),
    (
        "429",
        "Too many requests; `Retry-After` says when to ask again",
        When::Always,
    ),
    ("500", "A fault of the server's own", When::Always),
    (
        "503",
        "Not now; `Retry-After` says when to ask again",
        When::Always,
    ),
];

fn refusal(about: &str) -> Response {
    let mut response = Response::new(about);
    let schema = Ref::from_schema_name(Document::name());
    let content = Content::new(Some(schema));
    response
        .content
        .insert("application/problem+json".into(), content.into());
    response
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[!-~]{1,255}$"))
        .build();
    let about = "The same key with the same request is answered alike for a day, and done once; with another \
        request it is refused";
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

fn each(item: &mut PathItem, mut visit: impl FnMut(&mut Operation, bool)) {
    let reads = [&mut item.get, &mut item.head];
    reads.into_iter().flatten().for_each(|o| visit(o, false));
    let writes = [
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ];
    writes.into_iter().flatten().for_each(|o| visit(o, true));
}

fn token() -> SecurityScheme {
    let mut scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    scheme.description = Some("A subscriber's token, `bf_…`, from an officer".into());
    SecurityScheme::Http(scheme)
}

fn officer() -> SecurityScheme {
    let about = "An officer's Ed25519 signature: `Blockfeed <officer> <key> <time> <base64 signature>` over \
        `blockfeed/request/v2\\n<origin>\\n<method>\\n<path with query>\\n<time>\\n<hex SHA-256 of the body>\\n`, \
        the time within 300 seconds";
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "Authorization",
        about,
    )))
}
