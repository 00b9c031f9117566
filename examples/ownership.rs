//! Rules about the thing itself: `allow` and `hide`: `cargo run --example ownership`.

use std::{fmt, sync::Arc};

use actix_web::{Responder, get, web};
use secure_runtime::{Principal, Refusal, Routes, secured, testing::TestService};

/// The database: who owns which note.
struct Notes(Vec<(u64, &'static str)>);

#[derive(Debug)]
struct Unreachable;

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database cannot be reached")
    }
}

impl Notes {
    /// An error decides nothing: the answer is 503, and the handler does not run.
    async fn is_owner(&self, id: u64, caller: &Principal) -> Result<bool, Unreachable> {
        match id {
            13 => Err(Unreachable),
            // A subject is unique within its issuer: with several issuers compare `identity()`.
            _ => Ok(self.0.contains(&(id, caller.subject()))),
        }
    }
}

/// Somebody else's note looks like none: without `hide` the answer would be 403.
#[secured(allow = notes.is_owner(*id, &caller).await, hide)]
#[get("/notes/{id}")]
async fn note(caller: Principal, id: web::Path<u64>, notes: web::Data<Notes>) -> impl Responder {
    format!(
        "note {id} of {}, one of {}",
        caller.subject(),
        notes.0.len()
    )
}

#[actix_web::main]
async fn main() {
    let notes = web::Data::from(Arc::new(Notes(vec![(1, "ann"), (2, "bob")])));
    let routes = move |routes: &mut Routes| {
        routes.app_data(notes.clone()).service(note);
    };
    let service = TestService::new(routes).await;
    let call = service.get("/notes/1").subject("ann");
    assert_eq!(call.send().await.text(), "note 1 of ann, one of 2");
    for path in ["/notes/2", "/notes/3"] {
        let call = service.get(path).subject("ann");
        call.send().await.assert_refused(Refusal::Hidden);
    }
    let call = service.get("/notes/13").subject("ann");
    call.send().await.assert_refused(Refusal::Undecided);
}
