//! How the words of the log look in the API's description: texts with a form.

use crate::{
    canon::{Base64, DecisionId, KeyId, OfficerId, Origin},
    entries::FeedName,
    tlog::Hash,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, Type},
    },
};

macro_rules! text {
    ($name:ty, $pattern:expr, $example:expr, $what:expr) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some($pattern))
                    .examples([$example])
                    .description(Some($what))
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

text!(
    FeedName,
    "^(domains|networks|(sellers|accounts)/[a-z0-9-][a-z0-9.-]{0,62})$",
    "sellers/shopee.vn",
    "A feed"
);
text!(
    Hash,
    "^[0-9a-f]{64}$",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "SHA-256 in lower-case hex"
);
text!(
    Origin,
    "^[a-z0-9.-]+(/[a-z0-9.-]+)*$",
    "blocklist.example/399/v1",
    "The name of the log"
);
text!(
    DecisionId,
    "^[A-Za-z0-9-]{1,32}$",
    "2026-000123",
    "A decision"
);
text!(
    OfficerId,
    "^o-[0-9]{4,}$",
    "o-0017",
    "An officer's pseudonym"
);
text!(KeyId, "^[a-z0-9]{1,16}$", "k1", "The name of a key");
text!(
    Base64,
    "^[A-Za-z0-9+/]*={0,2}$",
    "AAECAw==",
    "Bytes in padded standard base64"
);
