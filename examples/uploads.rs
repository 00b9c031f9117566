//! Files and bytes as they came: `cargo run --example uploads`.

use actix_multipart::form::{MultipartForm, tempfile::TempFile, text::Text};
use actix_web::{Responder, post, web};
use secure_runtime::{Refusal, Routes, secured, testing::TestService};

/// Wants the feature `multipart`. `TempFile` keeps nothing in memory.
#[derive(MultipartForm, garde::Validate)]
#[multipart(deny_unknown_fields, duplicate_field = "deny")]
struct Upload {
    #[garde(skip)]
    file: TempFile,
    #[garde(skip)]
    note: Text<String>,
}

#[secured(public, max_body = "1MB", body_timeout = "1min")]
#[post("/upload")]
async fn upload(MultipartForm(upload): MultipartForm<Upload>) -> impl Responder {
    format!("{} bytes, {}", upload.file.size, upload.note.as_str())
}

/// Bounded by `max_body`, and listed as `unvalidated` in the lock file.
#[secured(public, max_body = "16B")]
#[post("/raw")]
async fn raw(bytes: web::Bytes) -> impl Responder {
    bytes.len().to_string()
}

fn routes(routes: &mut Routes) {
    routes.service(upload).service(raw);
}

#[actix_web::main]
async fn main() {
    let service = TestService::new(routes).await;
    let parts = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n123\
        \r\n--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\ntea\r\n--b--\r\n";
    let kind = "multipart/form-data; boundary=b";
    let answer = service.post("/upload").body(kind, parts).send().await;
    assert_eq!(answer.text(), "3 bytes, tea");

    let answer = service.post("/raw").body("image/png", "0123456789abcdef");
    assert_eq!(answer.send().await.text(), "16");
    let answer = service.post("/raw").body("image/png", "0123456789abcdef!");
    answer.send().await.assert_refused(Refusal::BodyTooLarge);
}
