use actix_multipart::form::{MultipartForm, tempfile::TempFile, text::Text};

use super::*;

#[derive(Debug, MultipartForm, garde::Validate)]
struct Upload {
    #[garde(custom(short))]
    title: Text<String>,
    #[multipart(limit = "10 B")]
    #[garde(skip)]
    note: Option<Text<u8>>,
    #[garde(skip)]
    file: Option<TempFile>,
}

fn short(title: &Text<String>, (): &()) -> garde::Result {
    if title.len() <= 5 {
        Ok(())
    } else {
        Err(garde::Error::new("too long"))
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        form.push_str(&format!(
            "--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    form + "--x--\r\n"
}

async fn upload(body: impl Into<Bytes>, max_body: u64) -> Result<Upload, Rejection> {
    let request =
        TestRequest::post().insert_header(("content-type", "multipart/form-data; boundary=x"));
    let admitted = admit(request, Payload::from(body.into()), max_body).await;
    taken(admitted).await
}

async fn taken(admitted: Admitted) -> Result<Upload, Rejection> {
    let form: MultipartForm<Upload> = take(admitted).await?;
    Ok(form.into_inner())
}

#[actix_web::test]
async fn a_form_is_taken_apart() {
    let upload = upload(
        form(&[("title", "a"), ("note", "7"), ("file", "content")]),
        1000,
    )
    .await;
    let upload = upload.unwrap();
    assert_eq!(upload.title.as_str(), "a");
    assert_eq!(*upload.note.unwrap(), 7);
    assert_eq!(upload.file.unwrap().size, 7);
}

#[actix_web::test]
async fn what_does_not_fit_is_422() {
    for (fields, pointer, detail) in [
        (&[("note", "7")][..], "/title", "required"),
        (&[("title", "hunter2")], "/title", "too long"),
        (
            &[("title", "a"), ("note", "x")],
            "/note",
            "not of the expected form",
        ),
        (
            &[("title", "a"), ("is/admin", "x")],
            "/is~1admin",
            "not a known field",
        ),
    ] {
        let rejection = upload(form(fields), 1000).await.unwrap_err();
        assert_eq!(told(&rejection), (422, vec![(pointer, detail)]));
    }
}

#[actix_web::test]
async fn malformed_forms_are_400() {
    let complete = form(&[("title", "a")]);
    for body in [
        "",
        "--x",
        "--y--\r\n",
        &complete[..complete.len() - 6],
        "--x\r\n\r\na\r\n--x--\r\n",
    ] {
        let rejection = upload(body.to_owned(), 1000).await.unwrap_err();
        assert_eq!(told(&rejection).0, 400, "{body:?}");
    }
}

#[actix_web::test]
async fn h12_limits_are_413() {
    let rejection = upload(form(&[("title", &"a".repeat(1000))]), 500)
        .await
        .unwrap_err();
    assert_eq!(told(&rejection), (413, vec![]));
    let rejection = upload(form(&[("title", "a"), ("note", "12345678901")]), 1000).await;
    assert_eq!(told(&rejection.unwrap_err()), (413, vec![]));
    // In memory at most 2 MiB, though the route takes more.
    let large = "a".repeat(2 * 1024 * 1024 + 1);
    let rejection = upload(form(&[("title", &large)]), 10_000_000)
        .await
        .unwrap_err();
    assert_eq!(told(&rejection), (413, vec![]));
    // A file is not in memory; the route's limit is the only one.
    let file = upload(form(&[("title", "a"), ("file", &large)]), 10_000_000)
        .await
        .unwrap();
    assert_eq!(file.file.unwrap().size, large.len());
}

#[actix_web::test]
async fn a_slow_form_is_408() {
    tokio::time::pause();
    let request =
        TestRequest::post().insert_header(("content-type", "multipart/form-data; boundary=x"));
    let admitted = admit(
        request,
        trickled(b"--x\r\ncontent-disposition: form-data"),
        1000,
    )
    .await;
    let rejection = taken(admitted).await.unwrap_err();
    assert_eq!(told(&rejection), (408, vec![]));
}

#[actix_web::test]
async fn h13_another_type_is_415() {
    for content_type in [
        "application/json",
        "multipart/mixed; boundary=x",
        "multipart/form-data",
        "multipart/form-data; boundary=",
    ] {
        let admitted = with_body(content_type, form(&[("title", "a")])).await;
        let rejection = taken(admitted).await.unwrap_err();
        assert_eq!(told(&rejection), (415, vec![]), "{content_type}");
    }
}

#[derive(Debug, MultipartForm, garde::Validate)]
struct Album {
    #[garde(skip)]
    picture: Vec<TempFile>,
}

/// H12: each file of a form is an open file of the process, and an empty one takes less than 100 bytes
/// of the body.
#[actix_web::test]
async fn h12_the_parts_of_a_form_have_a_bound() {
    for (parts, expected) in [(128, Ok(128)), (129, Err(413))] {
        let request =
            TestRequest::post().insert_header(("content-type", "multipart/form-data; boundary=x"));
        let body = Payload::from(Bytes::from(form(&vec![("picture", ""); parts])));
        let admitted = admit(request, body, 64_000).await;
        let taken: Result<MultipartForm<Album>, _> = take(admitted).await;
        let files = taken.map(|form| form.picture.len());
        assert_eq!(files.map_err(|refused| told(&refused).0), expected);
    }
}
