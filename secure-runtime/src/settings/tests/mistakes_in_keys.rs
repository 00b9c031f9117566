//! Mistakes about certificates, issuers and their keys.

use super::*;

#[test]
fn every_mistake_about_the_certificate_has_its_message() {
    for (text, message) in [
        (
            "",
            "`tls`: missing; write the paths of PEM files, `certificate = \"chain.pem\"` and \
             `private_key = \"key.pem\"`, or `development = true` for a self-signed certificate",
        ),
        (
            "[tls]\ndevelopment = false",
            "`tls`: missing; write the paths of PEM files, `certificate = \"chain.pem\"` and \
             `private_key = \"key.pem\"`, or `development = true` for a self-signed certificate",
        ),
        (
            "[tls]\ncertificate = \"a\"",
            "`tls.private_key`: missing; it belongs to `certificate`",
        ),
        (
            "[tls]\nprivate_key = \"a\"",
            "`tls.certificate`: missing; it belongs to `private_key`",
        ),
        (
            "[tls]\ncertificate = \"a\"\nprivate_key = \"b\"\ndevelopment = true",
            "`tls.development`: a certificate is given as well; remove one of the two",
        ),
        (
            "[tls]\ndevelopment = 1",
            "`tls.development`: write `true` or `false`",
        ),
        (
            "[tls]\ncertificate = 1\nprivate_key = \"b\"",
            "`tls.certificate`: write text in quotes",
        ),
    ] {
        let error = Settings::from_toml(text).unwrap_err();
        assert_eq!(messages(error), [message], "{text}");
    }
}

#[test]
fn every_mistake_about_issuers_has_its_message() {
    let one_source = "`issuers[0].keys[0]`: write exactly one of `public_key`, \
         `public_key_file`, `secret_base64`, `secret_file` and `secret_env`";
    let base64 = "`issuers[0].keys[0].secret_base64`: write base64, \
         as `openssl rand -base64 32` prints it";
    for (text, message) in [
        (
            "[[issuers]]\naudience = \"api\"\n$K",
            "`issuers[0].issuer`: missing",
        ),
        (
            "[[issuers]]\nissuer = \"a\"\n$K",
            "`issuers[0].audience`: missing",
        ),
        (
            "[[issuers]]\niss = \"a\"\nissuer = \"a\"\naudience = \"a\"\n$K",
            "`issuers[0].iss`: unknown key, did you mean `issuer`?",
        ),
        (
            "$I",
            "`issuers[0].keys`: missing; add a table `[[issuers.keys]]`",
        ),
        (
            "$I$K\n$I$K",
            "`issuers[1].issuer`: this issuer is listed already; put its keys there",
        ),
        (
            "$I roles = \"roles\"\nscopes = [\"a..b\"]\n$K",
            "`issuers[0].scopes`: write names of claims, as in `realm_access.roles`",
        ),
        (
            "$I roles = [\"\"]\n$K",
            "`issuers[0].roles`: write a list of texts, as in `[\"a\", \"b\"]`",
        ),
        (
            "$I client_id = \"\"\n$K",
            "`issuers[0].client_id`: the value is empty",
        ),
        (
            "$I token_id = \"\"\n$K",
            "`issuers[0].token_id`: the value is empty",
        ),
        (
            "$I accept_generic_typ = 1\n$K",
            "`issuers[0].accept_generic_typ`: write `true` or `false`",
        ),
        (
            "$I keys = 1",
            "`issuers[0].keys`: write a list of tables, as in `[[issuers.keys]]`",
        ),
        (
            "$I[[issuers.keys]]\npublic_key = \"a\"",
            "`issuers[0].keys[0].algorithm`: missing",
        ),
        (
            "$I[[issuers.keys]]\nalgorithm = \"none\"\npublic_key = \"a\"",
            "`issuers[0].keys[0].algorithm`: write one of `EdDSA`, `ES256`, `ES384`, `PS256`, \
             `PS384`, `PS512`, `RS256`, `RS384`, `RS512`, `HS256`, `HS384`, `HS512`",
        ),
        ("$I[[issuers.keys]]\nalgorithm = \"EdDSA\"", one_source),
        (
            "$I[[issuers.keys]]\nalgorithm = \"EdDSA\"\npublic_key = \"a\"\npublic_key_file = \"b\"",
            one_source,
        ),
        (
            "$I[[issuers.keys]]\nalgorithm = \"HS256\"\nsecret_base64 = 7",
            "`issuers[0].keys[0].secret_base64`: write text in quotes",
        ),
        (
            "$I[[issuers.keys]]\nalgorithm = \"HS256\"\nsecret_base64 = \"  \"",
            "`issuers[0].keys[0].secret_base64`: the secret is empty",
        ),
        (
            "$I[[issuers.keys]]\nalgorithm = \"HS256\"\nsecret_base64 = \"hunter2!\"",
            base64,
        ),
        (
            "$I[[issuers.keys]]\nalgorithm = \"HS256\"\npublic_key = \"a\"",
            "`issuers[0].keys[0].algorithm`: the algorithms `HS..` need a secret, this key is public",
        ),
        (
            "$I[[issuers.keys]]\nalgorithm = \"ES256\"\nsecret_env = \"a\"",
            "`issuers[0].keys[0].algorithm`: this algorithm needs a public key, this one is a secret",
        ),
        (
            "$I$K id = \"a\"\n[[issuers.keys]]\nid = \"b\"\nalgorithm = \"HS256\"\nsecret_env = \"b\"",
            "`issuers[0].keys`: an issuer has either public keys or secrets, not both",
        ),
        (
            "$I$K id = \"a\"\n$K id = \"a\"",
            "`issuers[0].keys[1].id`: another key of this issuer has the same id",
        ),
        (
            "$I$K id = \"a\"\n$K",
            "`issuers[0].keys[1].id`: missing; an issuer with several keys needs the `kid` of each",
        ),
        (
            "$I$K kid = \"a\"",
            "`issuers[0].keys[0].kid`: unknown key, did you mean `id`?",
        ),
    ] {
        let key = "[[issuers.keys]]\nalgorithm = \"EdDSA\"\npublic_key = \"a\"\n";
        let text = text.replace("$I", ISSUER).replace("$K", key);
        let text = format!("{text}\n[tls]\ndevelopment = true\n");
        let error = Settings::from_toml(&text).unwrap_err();
        assert_eq!(messages(error), [message], "{text}");
    }
}
