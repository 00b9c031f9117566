//! A checked [`Policy`] and its [`Handler`] -> tokens: constant data and a fixed row of calls.
//!
//! Nothing can go wrong here. Every generated name begins with `__secured_`: under a route
//! macro the handler's name is a unit struct, and a local of that name would be a pattern on it,
//! whatever its hygiene.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse_quote;

use crate::errors::Place;
use crate::model::{Expression, Handler, Parameter, Policy, Route};

mod policy;

/// The guarded handler.
pub(crate) fn guarded(handler: &Handler, policy: &Policy) -> TokenStream {
    Expansion::new(handler, policy, true).item()
}

/// A handler of the same name and type that refuses everything and never calls the user's
/// function: what a mistake leaves, so that the compiler has nothing to add where it is used.
pub(crate) fn refusing(handler: &Handler, policy: &Policy) -> TokenStream {
    Expansion::new(handler, policy, false).item()
}

struct Expansion<'a> {
    handler: &'a Handler,
    policy: &'a Policy,
    /// Whether the user's function is called at all.
    calls: bool,
    runtime: TokenStream,
}

impl<'a> Expansion<'a> {
    fn new(handler: &'a Handler, policy: &'a Policy, calls: bool) -> Self {
        let runtime = match &policy.runtime {
            Some(path) => quote!(#path),
            None => quote!(::secure_runtime),
        };
        Self {
            handler,
            policy,
            calls,
            runtime,
        }
    }

    fn item(&self) -> TokenStream {
        if self.handler.routes.is_none() {
            let policy = self.policy(&format_ident!("__SECURED_POLICY"));
            return self.wrapper(&policy, &quote!(&__SECURED_POLICY));
        }
        let runtime = &self.runtime;
        let name = &self.handler.sig.ident;
        let service = self.service();
        let policy = quote!(<#name as #runtime::SecuredService>::policy());
        let wrapper = self.wrapper(&TokenStream::new(), &policy);
        quote!(#service #wrapper)
    }

    /// What proves to the router that this service is guarded, beside the function.
    fn service(&self) -> TokenStream {
        let runtime = &self.runtime;
        let Handler {
            cfgs, sig, routes, ..
        } = self.handler;
        let name = &sig.ident;
        let policy = self.policy(&format_ident!("__SECURED_POLICY"));
        let routes = routes.iter().flatten().map(|route| {
            let Route {
                path,
                method,
                has_guard,
            } = route;
            quote!(#runtime::private::RoutePattern {
                path: #path,
                method: #method,
                has_guard: #has_guard,
            })
        });
        quote! {
            #(#cfgs)*
            impl #runtime::SecuredService for #name {
                fn policy() -> &'static #runtime::private::Policy {
                    #policy
                    &__SECURED_POLICY
                }
                const ROUTES: &'static [#runtime::private::RoutePattern] = &[#(#routes),*];
            }
        }
    }

    /// The function that actix-web calls.
    fn wrapper(&self, policy_items: &TokenStream, policy: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        let Handler {
            outer, vis, sig, ..
        } = self.handler;
        let name = &sig.ident;
        let tracked = self.policy.tracked.iter().map(|file| {
            quote!(
                const _: &[::core::primitive::u8] = ::core::include_bytes!(#file);
            )
        });
        let user_function = self.user_function();
        let shields = self.shields();
        let steps = self.steps(policy);
        let call = local("call");
        let outcome = local("outcome");
        quote! {
            #(#outer)*
            #vis async fn #name(#call: #runtime::private::Call) -> #runtime::Secured {
                #user_function
                #shields
                #policy_items
                #(#tracked)*
                let #outcome: ::core::result::Result<#runtime::Secured, #runtime::private::Refused> =
                    async { #steps }.await;
                ::core::convert::Into::into(#outcome)
            }
        }
    }

    /// The user's function, untouched but for the parameters that expressions use: that is a use,
    /// even where the function has no other.
    fn user_function(&self) -> TokenStream {
        let Handler {
            inner, sig, body, ..
        } = self.handler;
        if self.calls {
            let mut sig = sig.clone();
            for (position, parameter) in sig.inputs.iter_mut().enumerate() {
                if let syn::FnArg::Typed(parameter) = parameter
                    && self.policy.names_parameter(position)
                {
                    parameter
                        .attrs
                        .push(parse_quote!(#[allow(unused_variables)]));
                }
            }
            return quote!(#(#inner)* #sig #body);
        }
        // `self`, `...` and `const async` are no syntax here, and rustc would say so once more.
        if sig.receiver().is_some() || sig.variadic.is_some() || sig.constness.is_some() {
            return TokenStream::new();
        }
        quote!(#(#inner)* #[allow(warnings)] #sig #body)
    }

    /// The name of a handler with a route macro is a unit struct, so that a parameter of that name
    /// in another handler would be a pattern on it. With a function in between it is a name again.
    fn shields(&self) -> TokenStream {
        let parameters = self.handler.parameters.iter();
        let names = parameters.flat_map(|parameter| parameter.name.iter().chain(&parameter.bound));
        let mut shielded = vec![self.handler.sig.ident.clone()];
        let mut shields = TokenStream::new();
        for name in names {
            let lower = name
                .unraw()
                .to_string()
                .starts_with(|first: char| first.is_lowercase());
            if !lower || shielded.contains(name) {
                continue;
            }
            shielded.push(name.clone());
            let mut shield = name.clone();
            shield.set_span(Span::mixed_site());
            shields.extend(quote!(#[allow(dead_code)] fn #shield() {}));
        }
        shields
    }

    /// Admission, input, rule, handler, answer.
    fn steps(&self, policy: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        let admission = local("admission");
        let admitted = local("admitted");
        let call = local("call");
        let output = local("output");
        if !self.calls {
            return quote! {
                let mut #admission = #call.admit(#policy);
                let #admitted = #admission.judged().await?;
                let #output = #runtime::private::response(#admitted, "");
                ::core::result::Result::Ok(#runtime::private::respond(#admitted, #output).await)
            };
        }
        let name = &self.handler.sig.ident;
        let handler = local("handler");
        let parameters = &self.handler.parameters;
        let taken = parameters.iter().enumerate().map(|(position, parameter)| {
            let value = numbered(position);
            let input = self.take(parameter, &admitted);
            quote!(let #value = #input.await?;)
        });
        let named = self.named();
        let allow = self.allow(&admitted);
        let login = self.login(&admitted);
        let arguments = (0..parameters.len()).map(|position| self.argument(position));
        let response = self.response(&admitted, &output);
        quote! {
            let #handler = #name;
            let mut #admission = #call.admit(#policy);
            let #admitted = #admission.judged().await?;
            #(#taken)*
            #named
            #allow
            #login
            let #output = #handler(#(#arguments),*).await;
            let #output = #response;
            ::core::result::Result::Ok(#runtime::private::respond(#admitted, #output).await)
        }
    }

    /// Takes one input. A type that is none is blamed by a check beside the policy; here it takes
    /// the fallback, so that it is blamed once.
    fn take(&self, parameter: &Parameter, admitted: &Ident) -> TokenStream {
        let runtime = &self.runtime;
        let (alias, ty) = alias(&parameter.ty);
        let probe = self.probe(parameter, &ty);
        quote!({
            #[allow(unused_imports)]
            use #runtime::private::ProbeFallback as _;
            #alias
            #probe::take(#admitted)
        })
    }

    /// What asks the type system about the type of a parameter.
    fn probe(&self, parameter: &Parameter, ty: &TokenStream) -> TokenStream {
        let runtime = &self.runtime;
        match parameter.unvalidated {
            true => quote!(#runtime::private::ProbeUnvalidated::<#ty>),
            false => quote!(#runtime::private::Probe::<#ty, _>),
        }
    }

    /// The names that the user gave, for the expressions that use them.
    fn named(&self) -> TokenStream {
        let parameters = self.handler.parameters.iter().enumerate();
        let named = parameters.filter_map(|(position, parameter)| {
            let name = parameter.name.as_ref()?;
            let value = numbered(position);
            let is_used = self.policy.names_parameter(position);
            is_used.then(|| quote!(let #name = #value;))
        });
        quote!(#(#named)*)
    }

    /// The user's rule.
    fn allow(&self, admitted: &Ident) -> TokenStream {
        let Some(allow) = &self.policy.allow else {
            return TokenStream::new();
        };
        let rule = &allow.rule;
        let place = Place::of(rule);
        let runtime = &self.runtime;
        let decision = self.call(place, quote!(decision), rule.clone());
        let decided = local("decided");
        quote! {
            let #decided = #decision;
            #runtime::private::allow(#admitted, #decided).await?;
        }
    }

    /// Whose password is about to be checked. The expressions are borrowed from: what they name
    /// still belongs to the handler.
    fn login(&self, admitted: &Ident) -> TokenStream {
        let Some(login) = &self.policy.login else {
            return TokenStream::new();
        };
        let runtime = &self.runtime;
        let identifier = |expression: &Expression| {
            let tokens = &expression.tokens;
            let place = Place::of(tokens);
            let start = Span::call_site().located_at(place.start);
            let borrow = quote_spanned!(start=> &);
            let mut borrowed = Group::new(Delimiter::Parenthesis, tokens.clone());
            borrowed.set_span(Span::call_site().located_at(place.end));
            self.call(place, quote!(identifier), quote!(#borrow #borrowed))
        };
        let account = identifier(&login.account);
        let password = match &login.password {
            None => quote!(::core::option::Option::None),
            Some(password) => {
                let password = identifier(password);
                quote!(::core::option::Option::Some(#password))
            }
        };
        let whose = local("account");
        let with = local("password");
        quote! {
            let #whose = #account;
            let #with = #password;
            #runtime::private::login(#admitted, #whose, #with).await?;
        }
    }

    /// What the handler gets for one parameter: named by the user if an expression used it.
    fn argument(&self, position: usize) -> Ident {
        let parameter = self.handler.parameters.get(position);
        let name = parameter.and_then(|parameter| parameter.name.clone());
        name.filter(|_| self.policy.names_parameter(position))
            .unwrap_or_else(|| numbered(position))
    }

    /// Turns the output into a response, so that an output that cannot be one is blamed itself.
    fn response(&self, admitted: &Ident, output: &Ident) -> TokenStream {
        let place = self.handler.output;
        let mut blamed = output.clone();
        blamed.set_span(output.span().located_at(place.start));
        // A call, because only something with two ends is underlined from end to end.
        let mut parentheses = Group::new(Delimiter::Parenthesis, blamed.to_token_stream());
        parentheses.set_span(Span::call_site().located_at(place.end));
        let start = Span::call_site().located_at(place.start);
        let whole = quote_spanned!(start=> ::core::convert::identity #parentheses);
        self.call(place, quote!(response), quote!(#admitted, #whole))
    }

    /// A call into the runtime that stands where the blamed tokens stand, so that rustc
    /// underlines those.
    fn call(&self, place: Place, function: TokenStream, arguments: TokenStream) -> TokenStream {
        let at = |token: TokenTree| {
            let mut token = token;
            token.set_span(token.span().located_at(place.start));
            token
        };
        let runtime: TokenStream = match &self.policy.runtime {
            // Where the user wrote it, so that a path that leads nowhere is told once.
            Some(path) => path.to_token_stream(),
            None => self.runtime.clone().into_iter().map(at).collect(),
        };
        // The function's name is the first token; generic arguments keep their own places.
        let mut function = function.into_iter();
        let name = function.next().map(at);
        let mut parentheses = Group::new(Delimiter::Parenthesis, arguments);
        parentheses.set_span(Span::call_site().located_at(place.end));
        let private = quote_spanned!(Span::call_site().located_at(place.start)=> ::private::);
        quote!(#runtime #private #name #(#function)* #parentheses)
    }
}

/// A name that no user can see or hide.
fn local(name: &str) -> Ident {
    Ident::new(&format!("__secured_{name}"), Span::mixed_site())
}

/// Another name for a type that is a plain name, and that name.
///
/// If the type is misspelt, rustc would tell a generic argument of that name something else than
/// the user's parameter, and the mistake would become two errors.
fn alias(ty: &syn::Type) -> (TokenStream, TokenStream) {
    let plain = match ty {
        syn::Type::Path(path) => path.path.get_ident(),
        _ => None,
    };
    let Some(plain) = plain else {
        return (TokenStream::new(), ty.to_token_stream());
    };
    // With the user's own span, so that the type is blamed as if it stood here itself.
    let mut alias = local("type");
    alias.set_span(plain.span());
    let declaration = quote!(
        #[allow(non_camel_case_types)]
        type #alias = #plain;
    );
    (declaration, alias.to_token_stream())
}

/// The value of the parameter at a position.
fn numbered(position: usize) -> Ident {
    local(&position.to_string())
}

/// The function that says where the parameter at a position comes from.
fn kind(position: usize) -> Ident {
    local(&format!("kind_{position}"))
}
