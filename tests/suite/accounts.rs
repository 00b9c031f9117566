//! The accounts of the shop, from one end to the other: what its handlers make of the parts.

use std::{net::IpAddr, net::Ipv4Addr, num::NonZeroUsize, time::Duration};

use actix_web::web;
use secure_examples::shop::{self, Store};
use secure_runtime::{
    Refusal, Settings,
    testing::{self, TestCall, TestResponse, TestService, one_time_code},
};
use serde_json::{Value, json};

use crate::rig::Log;

const EMAIL: &str = "eve@shop.example";
const PASSWORD: &str = "violet tram eats sixteen clouds";
const OTHER_PASSWORD: &str = "sixteen clouds eat violet trams";

/// A shop whose passwords cost next to nothing, with one account.
async fn shop() -> TestService {
    shop_with(|_| {}).await
}

async fn shop_with(change: impl FnOnce(&mut Settings)) -> TestService {
    let mut settings = Settings::default();
    settings.danger.plaintext = true;
    settings.danger.weak_password_hashing = true;
    settings.passwords.memory = 64 << 10;
    settings.passwords.iterations = NonZeroUsize::MIN;
    settings.token_issuer = Some(testing::token_issuer());
    change(&mut settings);
    let routes = shop::routes(web::Data::new(Store::default()));
    let shop = TestService::with(routes, |security| security.settings(settings)).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let registered = shop.post("/register").json(body).send().await;
    assert_eq!(registered.status(), 202, "{}", registered.text());
    shop
}

fn log_in<'a>(shop: &'a TestService, password: &str) -> TestCall<'a> {
    let body = json!({ "email": EMAIL, "password": password });
    shop.post("/login").json(body)
}

fn address(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number))
}

/// The tokens of one session.
struct Session {
    access: String,
    refresh: String,
}

impl Session {
    async fn open(shop: &TestService) -> Self {
        Self::of(&log_in(shop, PASSWORD).send().await)
    }

    fn of(response: &TestResponse) -> Self {
        assert_eq!(response.status(), 200, "{}", response.text());
        let tokens: Value = response.json();
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }

    async fn post(&self, shop: &TestService, path: &str, body: Value) -> TestResponse {
        let call = shop.post(path).bearer(&self.access);
        call.json(body).send().await
    }

    async fn refresh(&self, shop: &TestService) -> TestResponse {
        let body = json!({ "refresh_token": self.refresh });
        shop.post("/refresh").json(body).send().await
    }

    async fn is_open(&self, shop: &TestService) -> bool {
        let profile = shop.get("/profile").bearer(&self.access).send().await;
        let refreshed = self.refresh(shop).await;
        match (profile.status().as_u16(), refreshed.status().as_u16()) {
            (200, 200) => true,
            (401, 400) => false,
            other => panic!("half open: {other:?}"),
        }
    }
}

fn computed(shop: &TestService) -> u64 {
    shop.security().passwords().counts().computed
}

/// G1: 10,000 guesses at one account, from 2,000 addresses at once: five reach the password, and
/// the right one is not taken either.
#[actix_web::test]
async fn g1_of_ten_thousand_guesses_at_once_five_are_checked() {
    let shop = shop().await;
    let before = computed(&shop);
    for number in 0..10_000 {
        let guess = log_in(&shop, &format!("guess {number}"));
        let answer = guess.peer(address(number % 2_000)).send().await;
        answer.assert_refused(Refusal::LoginFailed);
    }
    assert_eq!(computed(&shop) - before, 5);
    let right = log_in(&shop, PASSWORD).peer(address(1)).send().await;
    right.assert_refused(Refusal::LoginFailed);
    assert_eq!(computed(&shop) - before, 5);
}

/// G1: spread over a day, never more than five in a quarter of an hour, and in all no more than
/// the number after which an account is disabled.
#[actix_web::test]
async fn g1_of_ten_thousand_guesses_in_a_day_few_are_checked() {
    const PAUSE: Duration = Duration::from_millis(8_640);
    const WINDOW: usize = 15 * 60 * 1_000 / 8_640;
    let shop = shop().await;
    let mut checked = Vec::new();
    for number in 0..10_000 {
        let before = computed(&shop);
        let guess = log_in(&shop, &format!("guess {number}"));
        let answer = guess.peer(address(number % 2_000)).send().await;
        answer.assert_refused(Refusal::LoginFailed);
        if computed(&shop) > before {
            checked.push(number as usize);
        }
        shop.advance(PAUSE);
    }
    assert!((6..=100).contains(&checked.len()), "{}", checked.len());
    for six in checked.windows(6) {
        assert!(six[5] - six[0] >= WINDOW, "{six:?}");
    }

    // The owner calls support.
    let right = async || log_in(&shop, PASSWORD).send().await;
    right().await.assert_refused(Refusal::LoginFailed);
    let call = shop.post("/admin/accounts/enable").role("support");
    let enabled = call.json(json!({ "email": EMAIL })).send().await;
    assert_eq!(enabled.status(), 204);
    shop.advance(Duration::from_secs(1));
    assert_eq!(right().await.status(), 200);
}

/// G6: whoever guesses locks others out, and not the owner at a device of his own.
#[actix_web::test]
async fn g6_the_owner_gets_in_from_a_known_device() {
    let shop = shop().await;
    let (home, elsewhere) = (address(1), address(2));
    let welcome = log_in(&shop, PASSWORD).peer(home).send().await;
    let field = welcome.header("set-cookie").unwrap();
    let cookie = field.split(';').next().unwrap().to_owned();
    for number in 0..6 {
        let guess = log_in(&shop, "a guess").peer(address(10 + number));
        guess.send().await.assert_refused(Refusal::LoginFailed);
    }
    let stranger = log_in(&shop, PASSWORD).peer(elsewhere).send().await;
    stranger.assert_refused(Refusal::LoginFailed);
    let owner = log_in(&shop, PASSWORD).peer(home).header("cookie", &cookie);
    assert_eq!(owner.send().await.status(), 200);
}

/// G7: who has no account costs as much as who has one, and gets the same answer.
#[actix_web::test]
async fn g7_nobody_looks_like_somebody() {
    let shop = shop().await;
    let before = computed(&shop);
    let somebody = log_in(&shop, "a guess").send().await;
    let body = json!({ "email": "nobody@shop.example", "password": "a guess" });
    let nobody = shop.post("/login").json(body).send().await;
    assert_eq!(computed(&shop) - before, 2);
    assert_eq!(
        (somebody.status(), somebody.body()),
        (nobody.status(), nobody.body())
    );

    // Nor does the registration tell, and it replaces nothing.
    for email in [EMAIL, "EVE@shop.example", "new@shop.example"] {
        let body = json!({ "email": email, "password": OTHER_PASSWORD });
        let answer = shop.post("/register").json(body).send().await;
        assert_eq!((answer.status().as_u16(), answer.text()), (202, ""));
    }
    assert_eq!(computed(&shop) - before, 5);
    assert_eq!(log_in(&shop, PASSWORD).send().await.status(), 200);
}

/// A refresh token that two have: both lose, and the log says why.
#[actix_web::test]
async fn a_stolen_refresh_token_ends_the_session_for_both() {
    let shop = shop().await;
    let log = Log::capture();
    let stolen = Session::open(&shop).await;
    let owner = Session::of(&stolen.refresh(&shop).await);
    shop.advance(Duration::from_secs(11));
    log.take();
    let thief = stolen.refresh(&shop).await;
    thief.assert_refused(Refusal::RefreshTokenInvalid);
    let records = log.take();
    let reuse = |event: &&str| *event == "authn_token_reuse";
    let events = records.iter().filter_map(|record| record.field("event"));
    assert_eq!(events.filter(reuse).count(), 1, "{records:?}");
    let said = format!("{records:?}");
    assert!(
        !said.contains(&stolen.refresh) && !said.contains("eve@"),
        "{said}"
    );
    assert!(!owner.is_open(&shop).await);
    // The account is not locked for it.
    assert!(Session::open(&shop).await.is_open(&shop).await);
}

/// R3: a new password ends every other session, access and refresh tokens alike.
#[actix_web::test]
async fn r3_a_new_password_ends_the_other_sessions() {
    let shop = shop().await;
    let (here, there) = (Session::open(&shop).await, Session::open(&shop).await);
    let change = |current: &str, new: &str| {
        let body = json!({ "current": current, "new": new });
        here.post(&shop, "/password", body)
    };
    let refused = change("a guess", OTHER_PASSWORD).await;
    refused.assert_refused(Refusal::LoginFailed);
    let weak = change(PASSWORD, "123456789012345").await;
    weak.assert_refused(Refusal::InputInvalid);
    assert!(weak.text().contains("/new"), "{}", weak.text());
    assert_eq!(log_in(&shop, PASSWORD).send().await.status(), 200);
    assert_eq!(change(PASSWORD, OTHER_PASSWORD).await.status(), 204);
    assert!(here.is_open(&shop).await);
    assert!(!there.is_open(&shop).await);
    let old = log_in(&shop, PASSWORD).send().await;
    old.assert_refused(Refusal::LoginFailed);
    assert_eq!(log_in(&shop, OTHER_PASSWORD).send().await.status(), 200);
}

/// R3: logging out ends the refresh token too, here or everywhere.
#[actix_web::test]
async fn r3_a_logout_ends_the_refresh_token() {
    let shop = shop().await;
    let (one, two) = (Session::open(&shop).await, Session::open(&shop).await);
    let three = Session::open(&shop).await;
    assert_eq!(one.post(&shop, "/logout", json!({})).await.status(), 204);
    assert!(!one.is_open(&shop).await);
    assert!(two.is_open(&shop).await);
    let everywhere = three.post(&shop, "/logout-everywhere", json!({})).await;
    assert_eq!(everywhere.status(), 204);
    assert!(!two.is_open(&shop).await);
    assert!(!three.is_open(&shop).await);
}

/// Gives the account a second factor; its secret and a recovery code.
async fn enrol(shop: &TestService, session: &Session) -> (String, String) {
    let offered = session.post(shop, "/second-factor/enrol", json!({})).await;
    let secret = offered.json::<Value>()["secret"]
        .as_str()
        .unwrap()
        .to_owned();
    let code = one_time_code(&secret.parse().unwrap(), shop.security().clock());
    let body = json!({ "code": code });
    let confirmed = session.post(shop, "/second-factor/confirm", body).await;
    assert_eq!(confirmed.status(), 200, "{}", confirmed.text());
    let codes: Value = confirmed.json();
    shop.advance(Duration::from_secs(30));
    (
        secret,
        codes["recovery_codes"][0].as_str().unwrap().to_owned(),
    )
}

/// A password alone neither replaces nor removes a second factor, nor is it replaced; and five guesses at a code are
/// all there is, also with a new session for each.
#[actix_web::test]
async fn a_stolen_password_does_not_get_past_the_second_factor() {
    let shop = shop().await;
    let owner = Session::open(&shop).await;
    let (secret, _) = enrol(&shop, &owner).await;
    let secret = secret.parse().unwrap();

    let thief = Session::open(&shop).await;
    let change = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
    for (path, body) in [
        ("/password", change),
        ("/second-factor/enrol", json!({})),
        ("/second-factor/confirm", json!({ "code": "123456" })),
    ] {
        let answer = thief.post(&shop, path, body).await;
        answer.assert_refused(Refusal::Forbidden);
    }
    let remove = async |session: &Session| {
        let call = shop.delete("/second-factor").bearer(&session.access);
        call.send().await
    };
    remove(&thief).await.assert_refused(Refusal::FactorMissing);
    let right = one_time_code(&secret, shop.security().clock());
    let wrong = if right == "000000" {
        "000001"
    } else {
        "000000"
    };
    for _ in 0..5 {
        let thief = Session::open(&shop).await;
        let body = json!({ "code": wrong });
        let answer = thief.post(&shop, "/second-factor", body).await;
        answer.assert_refused(Refusal::LoginFailed);
    }
    let answer = thief
        .post(&shop, "/second-factor", json!({ "code": right }))
        .await;
    answer.assert_refused(Refusal::LoginFailed);

    // An hour later the owner shows it; the session of the password alone is over then.
    shop.advance(Duration::from_secs(60 * 60));
    let owner = Session::open(&shop).await;
    let code = one_time_code(&secret, shop.security().clock());
    let answer = owner
        .post(&shop, "/second-factor", json!({ "code": code }))
        .await;
    let both = Session::of(&answer);
    assert!(!owner.is_open(&shop).await);
    assert_eq!(remove(&both).await.status(), 204);
    assert!(both.is_open(&shop).await);
}

/// A recovery code stands in for the app, once.
#[actix_web::test]
async fn a_recovery_code_is_good_once() {
    let shop = shop().await;
    let (_, code) = enrol(&shop, &Session::open(&shop).await).await;
    let use_code = async || {
        let session = Session::open(&shop).await;
        let body = json!({ "recovery_code": code });
        session.post(&shop, "/second-factor/recover", body).await
    };
    let both = Session::of(&use_code().await);
    use_code().await.assert_refused(Refusal::LoginFailed);
    let call = shop.delete("/second-factor").bearer(&both.access);
    assert_eq!(call.send().await.status(), 204);
}

/// Somebody whom another issuer calls as one of ours is called is somebody else.
#[actix_web::test]
async fn a_subject_of_another_issuer_has_no_account() {
    let shop = shop().await;
    let ours = Session::open(&shop).await;
    let foreign = |path: &str| shop.post(path).subject("user-1").factor("otp");
    let change = json!({ "current": PASSWORD, "new": OTHER_PASSWORD });
    for (path, body) in [
        ("/password", change),
        ("/second-factor/enrol", json!({})),
        ("/second-factor/confirm", json!({ "code": "123456" })),
        ("/second-factor", json!({ "code": "123456" })),
        (
            "/second-factor/recover",
            json!({ "recovery_code": "0000-0000-0000-0000" }),
        ),
    ] {
        let answer = foreign(path).json(body).send().await;
        answer.assert_refused(Refusal::Forbidden);
    }
    let everywhere = foreign("/logout-everywhere").send().await;
    assert_eq!(everywhere.status(), 204);
    let admin = shop.post("/admin/users/user-1/logout").role("admin");
    assert_eq!(admin.send().await.status(), 204);
    assert!(ours.is_open(&shop).await);
}

/// G11: the settings of the example ban who goes on guessing from the whole shop, for longer each
/// time; the account is not the matter, nor whether a password was checked.
#[actix_web::test]
async fn g11_who_goes_on_guessing_is_banned_from_the_shop() {
    let text = include_str!("../../examples/secure.toml");
    let rules = Settings::from_toml(text).unwrap().bans.rules;
    assert_eq!(rules.len(), 1);
    let shop = shop_with(|settings| settings.bans.rules = rules).await;
    let hour = Duration::from_secs(60 * 60);
    for hours in [1, 2, 4, 8, 16, 24, 24] {
        for number in 0..50 {
            let guess = log_in(&shop, &format!("guess {number}"));
            let answer = guess.peer(address(1)).send().await;
            answer.assert_refused(Refusal::LoginFailed);
        }
        let items = async |number| shop.get("/items").peer(address(number)).send().await;
        let banned = items(1).await;
        banned.assert_refused(Refusal::Banned);
        let wait = banned.header("retry-after").unwrap();
        assert_eq!(wait, (hours * 3600).to_string());
        assert_eq!(items(2).await.status(), 200);
        shop.advance(hour * hours);
        assert_eq!(items(1).await.status(), 200);
    }
}
