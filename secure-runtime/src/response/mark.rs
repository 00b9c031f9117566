//! The mark of a response that a policy has let through.
//!
//! [`Shield`](crate::Shield) must know such a response from any other, whatever a middleware did to
//! its status, fields and body; and a response that was put in its place must not pass for it. So
//! the mark is on the response itself, and no other crate can make it. In the extensions of the
//! response it would cost a table that is made and freed for each request: it is there only where
//! the response has a reason phrase of its own, or where no shield stands before the request.
//!
//! Else the mark is the reason phrase, which a response is born without, and which nobody sees: the
//! shield takes it off. It is a piece of a text that is private here, known by where it lies and
//! how long it is. Both come from the address of the response's head, so that whoever copies the
//! head, or the phrase, has copied no mark. actix forgets the phrase when it uses the memory of a
//! head again.

use std::ptr;

use actix_web::{HttpRequest, HttpResponse, dev::ResponseHead};

use crate::shield;

/// Begins and lengths of pieces. Two heads have the same piece only if a multiple of 128 MiB lies
/// between them.
const PIECES: usize = 1 << 12;

/// A static, because only statics are promised an address of their own.
static BYTES: [u8; 2 * PIECES] = [b' '; 2 * PIECES];

static TEXT: &str = match str::from_utf8(&BYTES) {
    Ok(text) => text,
    Err(_) => panic!("spaces are UTF-8"),
};

/// In the extensions of a response that is marked there.
struct Guarded;

/// Puts the mark on.
pub(crate) fn put_on(request: &HttpRequest, response: &mut HttpResponse) {
    let head = response.head_mut();
    if head.reason.is_none() && shield::stands_before(request) {
        head.reason = Some(piece(head));
    } else {
        response.extensions_mut().insert(Guarded);
    }
}

/// Whether the mark is on.
pub(crate) fn is_on<B>(response: &HttpResponse<B>) -> bool {
    is_phrase(response.head()) || is_extension(response)
}

/// The same, and takes it off the reason phrase.
pub(crate) fn take_off<B>(response: &mut HttpResponse<B>) -> bool {
    let head = response.head_mut();
    if is_phrase(head) {
        head.reason = None;
        return true;
    }
    is_extension(response)
}

fn is_extension<B>(response: &HttpResponse<B>) -> bool {
    response.extensions().get::<Guarded>().is_some()
}

fn is_phrase(head: &ResponseHead) -> bool {
    head.reason
        .is_some_and(|reason| ptr::eq(reason, piece(head)))
}

/// The piece that marks the response of this head.
fn piece(head: &ResponseHead) -> &'static str {
    let address = ptr::from_ref(head).addr() / align_of::<ResponseHead>();
    let begin = address % PIECES;
    // Never empty: where nothing is, something else could be too.
    let end = begin + 1 + address / PIECES % PIECES;
    // INVARIANT: `end` is below `2 * PIECES`.
    TEXT.get(begin..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_head_has_a_piece_of_its_own() {
        let responses: Vec<_> = (0..10_000).map(|_| HttpResponse::Ok().finish()).collect();
        let pieces: HashSet<_> = responses
            .iter()
            .map(|response| ptr::from_ref(piece(response.head())))
            .collect();
        assert_eq!(pieces.len(), responses.len());
        assert!(
            responses
                .iter()
                .all(|response| !piece(response.head()).is_empty())
        );
    }

    #[test]
    fn a_mark_is_of_one_response() {
        let mut marked = HttpResponse::Ok().finish();
        let phrase = piece(marked.head());
        marked.head_mut().reason = Some(phrase);
        assert!(is_on(&marked));
        let mut copy = HttpResponse::Ok().finish();
        *copy.head_mut() = marked.head().clone();
        assert!(!is_on(&copy) && !take_off(&mut copy));
        // It goes where the response goes.
        let mut moved = Box::new(marked.set_body(()));
        assert!(is_on(&moved) && take_off(&mut moved));
        assert!(!is_on(&moved) && moved.head().reason.is_none());
    }
}
