//! The function below the attribute -> [`Handler`], whatever the attribute says.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, FnArg, LitStr, Meta, Pat, PatType, ReturnType, Safety, Signature, Token};

use crate::errors::{Errors, Place, wrong};
use crate::model::{Handler, Parameter, Route};

/// Route macros of actix-web that name a method.
const METHODS: &[&str] = &[
    "connect", "delete", "get", "head", "options", "patch", "post", "put", "query", "trace",
];

/// Attributes that describe the item, and so stay on what the outside sees.
const OUTER: &[&str] = &["cfg", "cfg_attr", "deprecated", "doc"];

/// Parses and checks the function; `None` if it is not one.
pub(crate) fn handler(item: TokenStream, errors: &mut Errors) -> Option<Handler> {
    let (mut attributes, vis, mut sig, body) = match function.parse2(item.clone()) {
        Ok(parts) => parts,
        Err(_) => {
            let wrong = wrong!(
                "`#[secured]` on something that is no function with a body";
                help: "put it on the handler: `async fn name(..) -> impl Responder {{ .. }}`"
            );
            errors.push(wrong.at(Place::of(&item)));
            return None;
        }
    };
    check_qualifiers(&sig, errors);
    check_generics(&sig, errors);
    let parameters = parameters(&mut sig, errors);
    let output = output(&sig, errors);
    check_attributes(&mut attributes, errors);

    let routes = routes(&attributes);
    let (outer, inner) = share(&attributes);
    let cfgs = attributes
        .into_iter()
        .filter(|attribute| is(attribute, "cfg"))
        .collect();
    Some(Handler {
        outer,
        inner,
        cfgs,
        routes,
        vis,
        sig,
        parameters,
        output,
        body,
    })
}

type Parts = (Vec<Attribute>, syn::Visibility, Signature, TokenStream);

/// A function whose body stays a group of tokens.
fn function(input: ParseStream<'_>) -> syn::Result<Parts> {
    let attributes = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    let sig = input.parse()?;
    let body: proc_macro2::Group = input.parse()?;
    if body.delimiter() != Delimiter::Brace || !input.is_empty() {
        return Err(input.error("expected a body"));
    }
    Ok((attributes, vis, sig, body.to_token_stream()))
}

/// `async`, and none of the other words.
fn check_qualifiers(sig: &Signature, errors: &mut Errors) {
    let name = &sig.ident;
    if sig.asyncness.is_none() {
        let wrong = wrong!("a handler that is not `async`"; help: "write `async fn {name}`");
        errors.push(wrong.at(sig.fn_token.span));
    }
    let mut refuse = |word: &str, place: Place| {
        let wrong = wrong!("a handler that is `{word}`"; help: "write `async fn {name}`");
        errors.push(wrong.at(place));
    };
    if let Some(word) = &sig.constness {
        refuse("const", Place::of(word));
    }
    match &sig.safety {
        Safety::Unsafe(word) => refuse("unsafe", Place::of(word)),
        Safety::Safe(word) => refuse("safe", Place::of(word)),
        Safety::Default => {}
    }
    if let Some(word) = &sig.abi {
        refuse("extern", Place::of(word));
    }
    if let Some(dots) = &sig.variadic {
        let wrong = wrong!(
            "a handler with a variable number of arguments";
            help: "give each parameter a name and a type"
        );
        errors.push(wrong.at(Place::of(dots)));
    }
}

/// No type parameters, lifetimes or `where`: actix-web has to name the function.
fn check_generics(sig: &Signature, errors: &mut Errors) {
    if !sig.generics.params.is_empty() {
        let wrong = wrong!(
            "a handler with generic parameters";
            help: "write the types that requests carry, as in `web::Json<NewOrder>`"
        );
        errors.push(wrong.at(Place::of(&sig.generics.params)));
    } else if let Some(clause) = &sig.generics.where_clause {
        let wrong = wrong!("a handler with a `where` clause"; help: "remove it");
        errors.push(wrong.at(Place::of(clause)));
    }
}

fn parameters(sig: &mut Signature, errors: &mut Errors) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    for input in &mut sig.inputs {
        match input {
            FnArg::Receiver(receiver) => {
                let wrong = wrong!(
                    "a handler with `self`";
                    help: "make it a free function and take shared state as `web::Data<..>`"
                );
                errors.push(wrong.at(Place::of(receiver)));
            }
            FnArg::Typed(typed) => parameters.push(parameter(typed, errors)),
        }
    }
    parameters
}

/// Takes `#[unvalidated]` off one parameter and describes it.
fn parameter(typed: &mut PatType, errors: &mut Errors) -> Parameter {
    let unvalidated = take_unvalidated(&mut typed.attrs, errors);
    for attribute in typed.attrs.iter().filter(|attribute| is(attribute, "cfg")) {
        let wrong = wrong!(
            "`#[cfg]` on a parameter of a handler";
            help: "put `#[cfg]` on the handler and write one for each case"
        );
        errors.push(wrong.at(Place::of(attribute)));
    }
    if let Some(word) = impl_in(typed.ty.to_token_stream()) {
        let wrong = wrong!(
            "`impl` in a parameter of a handler";
            help: "write the type that requests carry, as in `web::Json<NewOrder>`"
        );
        errors.push(wrong.at(word.span()));
    }
    let name = plain_name(&typed.pat);
    let bound = match &name {
        Some(_) => Vec::new(),
        None => bound_names(typed.pat.to_token_stream()),
    };
    Parameter {
        pattern: (*typed.pat).clone(),
        ty: (*typed.ty).clone(),
        name,
        bound,
        unvalidated,
    }
}

fn take_unvalidated(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> bool {
    let mut found = false;
    attributes.retain(|attribute| {
        if !is(attribute, "unvalidated") {
            return true;
        }
        if !matches!(attribute.meta, Meta::Path(_)) {
            let wrong =
                wrong!("`#[unvalidated]` takes no arguments"; help: "write `#[unvalidated]`");
            errors.push(wrong.at(Place::of(attribute)));
        } else if found {
            let wrong = wrong!("`#[unvalidated]` twice"; help: "remove one of them");
            errors.push(wrong.at(Place::of(attribute)));
        }
        found = true;
        false
    });
    found
}

/// `name` or `mut name`.
fn plain_name(pattern: &Pat) -> Option<Ident> {
    match pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => {
            Some(name.ident.clone())
        }
        _ => None,
    }
}

/// The identifiers that a pattern binds: lower case, and no path, call or field name.
fn bound_names(pattern: TokenStream) -> Vec<Ident> {
    let mut names = Vec::new();
    let mut tokens = pattern.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => names.extend(bound_names(group.stream())),
            TokenTree::Ident(ident) => {
                let continues = match tokens.peek() {
                    Some(TokenTree::Group(_)) => true,
                    Some(TokenTree::Punct(punct)) => punct.as_char() == ':',
                    _ => false,
                };
                let text = ident.to_string();
                let lower = text.starts_with(|first: char| first.is_lowercase() || first == '_');
                if lower && !continues && !["_", "mut", "ref", "box"].contains(&text.as_str()) {
                    names.push(ident);
                }
            }
            _ => {}
        }
    }
    names
}

/// The word `impl` at any depth of a type.
fn impl_in(ty: TokenStream) -> Option<Ident> {
    ty.into_iter().find_map(|token| match token {
        TokenTree::Group(group) => impl_in(group.stream()),
        TokenTree::Ident(ident) if ident == "impl" => Some(ident),
        _ => None,
    })
}

/// The place of the return type, which has to be there.
fn output(sig: &Signature, errors: &mut Errors) -> Place {
    match &sig.output {
        ReturnType::Type(_, ty) => Place::of(ty),
        ReturnType::Default => {
            let wrong = wrong!(
                "a handler without a return type";
                help: "write `-> impl Responder`, or `-> HttpResponse` and return one"
            );
            let place = Place {
                start: sig.ident.span(),
                end: sig.paren_token.span.close(),
            };
            errors.push(wrong.at(place));
            place
        }
    }
}

fn check_attributes(attributes: &mut Vec<Attribute>, errors: &mut Errors) {
    attributes.retain(|attribute| {
        let misplaced = is(attribute, "unvalidated");
        if misplaced {
            let wrong = wrong!(
                "`#[unvalidated]` on a whole handler";
                help: "put it before the parameter: `#[unvalidated] order: web::Json<NewOrder>`"
            );
            errors.push(wrong.at(Place::of(attribute)));
        }
        !misplaced
    });
    for attribute in attributes
        .iter()
        .filter(|attribute| is(attribute, "secured"))
    {
        let wrong = wrong!(
            "`#[secured]` twice on one handler";
            help: "write every key in one `#[secured(..)]`"
        );
        errors.push(wrong.at(Place::of(attribute)));
    }
}

/// Splits attributes between the generated function and the user's.
fn share(attributes: &[Attribute]) -> (Vec<Attribute>, Vec<Attribute>) {
    let mut outer = Vec::new();
    let mut inner = Vec::new();
    for attribute in attributes {
        if is_route_macro(attribute) || OUTER.iter().any(|name| is(attribute, name)) {
            outer.push(attribute.clone());
        } else if is(attribute, "allow") {
            // A lint that is silenced for the user's function concerns its name and types too,
            // which the generated function repeats.
            outer.push(attribute.clone());
            inner.push(attribute.clone());
        } else {
            inner.push(attribute.clone());
        }
    }
    (outer, inner)
}

fn is_route_macro(attribute: &Attribute) -> bool {
    let name = last_segment(attribute);
    METHODS.contains(&name.as_str()) || name == "route" || name == "routes"
}

/// Methods and paths of the route macros; one that actix-web will not accept is left out.
fn routes(attributes: &[Attribute]) -> Option<Vec<Route>> {
    let mut macros = attributes
        .iter()
        .filter(|attribute| is_route_macro(attribute))
        .peekable();
    macros.peek()?;
    let mut routes = Vec::new();
    for attribute in macros {
        let name = last_segment(attribute);
        let Ok(arguments) = attribute.parse_args_with(route_arguments) else {
            continue;
        };
        let methods = if METHODS.contains(&name.as_str()) {
            vec![name.to_ascii_uppercase()]
        } else {
            arguments.methods
        };
        routes.extend(methods.into_iter().map(|method| Route {
            path: arguments.path.clone(),
            method,
            has_guard: arguments.has_guard,
        }));
    }
    Some(routes)
}

/// What a route macro says of its routes.
struct RouteArguments {
    path: LitStr,
    methods: Vec<String>,
    has_guard: bool,
}

/// `"/path", method = "GET", method = "POST", name = "..", guard = ".."`.
fn route_arguments(input: ParseStream<'_>) -> syn::Result<RouteArguments> {
    let path = input.parse()?;
    let mut methods = Vec::new();
    let mut has_guard = false;
    while !input.is_empty() {
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            break;
        }
        let key: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        if key == "method" {
            methods.push(input.parse::<LitStr>()?.value());
        } else {
            has_guard |= key == "guard";
            input.parse::<syn::Expr>()?;
        }
    }
    Ok(RouteArguments {
        path,
        methods,
        has_guard,
    })
}

fn is(attribute: &Attribute, name: &str) -> bool {
    last_segment(attribute) == name
}

fn last_segment(attribute: &Attribute) -> String {
    let last = attribute.path().segments.last();
    last.map(|segment| segment.ident.to_string())
        .unwrap_or_default()
}
