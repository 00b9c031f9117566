//! A small shop that uses every part of the project: the reference for how a service looks, and
//! the target of the tests that attack one from outside.

mod accounts;
mod second_factor;
mod store;

use actix_multipart::form::{MultipartForm, tempfile::TempFile, text::Text};
use actix_web::{
    HttpResponse, Responder, ResponseError, delete, get,
    http::{Method, StatusCode},
    post, put, web,
};
use derive_more::{Display, Error};
use secure_runtime::{
    Claims, Principal, Refusal, Rejection, RevocationList, Routes, TokenIssuer, secured,
    tokens::JwksEndpoint,
};
use serde::{Deserialize, Serialize};

pub use store::{Account, Accounts, Item, Order, Store};

/// Registers the whole shop over `store`.
pub fn routes(store: web::Data<Store>) -> impl Fn(&mut Routes) + Clone + Send + 'static {
    move |routes| {
        routes
            .app_data(store.clone())
            .service(health)
            .service(items)
            .service(add_item)
            .service(place_order)
            .service(orders)
            .service(order)
            .service(attach_receipt)
            .service(profile)
            .service(payment_settled)
            .service(JwksEndpoint);
        accounts::routes(routes);
        second_factor::routes(routes);
        routes.scope("/admin", |admin| {
            admin
                .service(accounts::enable)
                .service(cancel)
                .service(set_notice)
                .service(log_user_out)
                .route("/orders/{id}", Method::GET, any_order);
        });
    }
}

/// What can go wrong in the shop itself.
#[derive(Debug, Display, Error)]
pub enum ShopError {
    /// The item is not on sale.
    #[display("no such item")]
    NoSuchItem,
    /// The order does not exist.
    #[display("no such order")]
    NoSuchOrder,
}

impl ResponseError for ShopError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoSuchItem => StatusCode::CONFLICT,
            Self::NoSuchOrder => StatusCode::NOT_FOUND,
        }
    }
}

/// Says that the shop is open.
#[secured(
    public = "load balancers ask without credentials",
    rate = "50/s per route"
)]
#[get("/health")]
async fn health() -> impl Responder {
    "open\n"
}

#[derive(Deserialize, garde::Validate)]
struct Search {
    #[serde(default)]
    #[garde(length(max = 40))]
    text: String,
    #[serde(default = "Search::usual_limit")]
    #[garde(range(min = 1, max = 100))]
    limit: usize,
}

impl Search {
    fn usual_limit() -> usize {
        20
    }
}

#[secured(public, rate = "search")]
#[get("/items")]
async fn items(search: web::Query<Search>, store: web::Data<Store>) -> impl Responder {
    web::Json(store.items(&search.text, search.limit))
}

#[derive(Deserialize, garde::Validate)]
struct NewItem {
    #[garde(length(min = 1, max = 80))]
    name: String,
    #[garde(range(min = 1, max = 1_000_000))]
    price: u32,
}

#[secured(role = "support", scope = "items:write", max_body = "1KB")]
#[post("/items")]
async fn add_item(web::Json(item): web::Json<NewItem>, store: web::Data<Store>) -> impl Responder {
    HttpResponse::Created().json(store.add_item(item.name, item.price))
}

#[derive(Deserialize, garde::Validate)]
struct NewOrder {
    #[garde(length(min = 1, max = 80))]
    item: String,
    #[garde(range(min = 1, max = 100))]
    quantity: u32,
}

#[secured(
    role = "customer",
    scope = "orders:write",
    rate = ["5/s", "100/hour"],
    max_body = "4KB"
)]
#[post("/orders")]
async fn place_order(
    customer: Principal,
    order: web::Json<NewOrder>,
    store: web::Data<Store>,
) -> Result<impl Responder, ShopError> {
    let NewOrder { item, quantity } = order.into_inner();
    if !store.sells(&item) {
        return Err(ShopError::NoSuchItem);
    }
    Ok(HttpResponse::Created().json(store.place(customer.identity(), item, quantity)))
}

#[secured(role = "customer", scope = any("orders:read", "orders:write"))]
#[get("/orders")]
async fn orders(customer: Principal, store: web::Data<Store>) -> impl Responder {
    web::Json(store.orders_of(customer.identity()))
}

/// Whether the customer owns the order. Somebody else's order looks like none at all.
async fn owns(store: &Store, customer: &Principal, id: u64) -> bool {
    store
        .order(id)
        .is_some_and(|found| found.owner == **customer.identity())
}

#[secured(role = "customer", allow = owns(&store, &customer, *id).await, hide)]
#[get("/orders/{id}")]
async fn order(
    customer: Principal,
    id: web::Path<u64>,
    store: web::Data<Store>,
) -> Result<impl Responder, ShopError> {
    store
        .order(*id)
        .map(web::Json)
        .ok_or(ShopError::NoSuchOrder)
}

#[derive(actix_multipart::form::MultipartForm, garde::Validate)]
#[multipart(deny_unknown_fields, duplicate_field = "deny")]
struct Receipt {
    #[garde(skip)]
    file: TempFile,
    #[garde(skip)]
    note: Option<Text<String>>,
}

#[derive(Serialize)]
struct Received {
    bytes: usize,
    note: bool,
}

#[secured(
    role = "customer",
    allow = owns(&store, &customer, *id).await,
    hide,
    max_body = "1MB",
    body_timeout = "20s"
)]
#[post("/orders/{id}/receipt")]
async fn attach_receipt(
    customer: Principal,
    id: web::Path<u64>,
    store: web::Data<Store>,
    MultipartForm(receipt): MultipartForm<Receipt>,
) -> impl Responder {
    web::Json(Received {
        bytes: receipt.file.size,
        note: receipt.note.is_some(),
    })
}

#[derive(Deserialize, Serialize)]
struct Profile {
    sub: String,
    name: Option<String>,
}

#[secured]
#[get("/profile")]
async fn profile(Claims(profile): Claims<Profile>) -> impl Responder {
    web::Json(profile)
}

/// The payment provider reports here. Its signature over the raw body would be checked first.
#[secured(
    public = "the payment provider signs its calls",
    rate = "20/s per route",
    max_body = "16KB",
    body_timeout = "3s"
)]
#[post("/payments/settled")]
async fn payment_settled(report: web::Bytes) -> Result<HttpResponse, Rejection> {
    if report.is_empty() {
        return Err(Rejection::new(
            Refusal::BodyMalformed,
            "an empty payment report",
        ));
    }
    Ok(HttpResponse::Accepted().finish())
}

#[secured(role = "admin", max_age = "15min")]
#[delete("/orders/{id}")]
async fn cancel(id: web::Path<u64>, store: web::Data<Store>) -> Result<HttpResponse, ShopError> {
    if store.cancel(*id) {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(ShopError::NoSuchOrder)
    }
}

/// Ends every token of a user: lost devices, stolen accounts. No admin whose own token was revoked
/// gets here, not even for two seconds.
#[secured(role = "admin", max_age = "15min", revocation = "0s")]
#[post("/users/{name}/logout")]
async fn log_user_out(
    admin: Principal,
    name: web::Path<String>,
    issuer: TokenIssuer,
    revocations: RevocationList,
) -> Result<HttpResponse, Rejection> {
    accounts::end_everything(&issuer, &revocations, admin.issuer(), &name).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, garde::Validate)]
struct Notice {
    #[garde(length(max = 200))]
    text: String,
}

#[secured(role = "admin", max_age = "15min", max_body = "2KiB")]
#[put("/notice")]
async fn set_notice(notice: web::Form<Notice>) -> impl Responder {
    format!("{} characters\n", notice.text.chars().count())
}

#[secured(role = "support", rate = "30/min")]
async fn any_order(
    id: web::Path<u64>,
    store: web::Data<Store>,
) -> Result<impl Responder, ShopError> {
    store
        .order(*id)
        .map(web::Json)
        .ok_or(ShopError::NoSuchOrder)
}
