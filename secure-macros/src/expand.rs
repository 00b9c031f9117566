//! A checked [`Policy`] and its [`Handler`] -> tokens: constant data and a fixed row of calls.
//!
//! Nothing can go wrong here. Every generated name begins with `__secured_`: under a route
//! macro the handler's name is a unit struct, and a local of that name would be a pattern on it,
//! whatever its hygiene.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::check::source_text;
use crate::errors::Place;
use crate::model::{Access, Handler, Parameter, Per, Policy, Quota, Rule};

/// The guarded handler.
pub(crate) fn guarded(handler: &Handler, policy: &Policy) -> TokenStream {
    let runtime = match &policy.runtime {
        Some(path) => quote!(#path),
        None => quote!(::secure_runtime),
    };
    let expansion = Expansion {
        handler,
        policy,
        runtime,
    };
    match &handler.routes {
        Some(_) => {
            let service = expansion.service();
            let name = &handler.sig.ident;
            let runtime = &expansion.runtime;
            let wrapper = expansion.wrapper(
                &TokenStream::new(),
                &quote!(<#name as #runtime::SecuredService>::policy()),
            );
            quote!(#service #wrapper)
        }
        None => {
            let policy = expansion.policy(&format_ident!("__SECURED_POLICY"));
            expansion.wrapper(&policy, &quote!(&__SECURED_POLICY))
        }
    }
}

struct Expansion<'a> {
    handler: &'a Handler,
    policy: &'a Policy,
    runtime: TokenStream,
}

impl Expansion<'_> {
    /// What proves to the router that this service is guarded, beside the function.
    fn service(&self) -> TokenStream {
        let runtime = &self.runtime;
        let Handler { cfgs, sig, routes, .. } = self.handler;
        let name = &sig.ident;
        let policy = self.policy(&format_ident!("__SECURED_POLICY"));
        let routes = routes.iter().flatten().map(|route| {
            let path = &route.path;
            let method = &route.method;
            quote!(#runtime::private::RoutePattern { path: #path, method: #method })
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
        let Handler { outer, inner, vis, sig, body, .. } = self.handler;
        let name = &sig.ident;
        let tracked = self.policy.tracked.iter().map(|file| {
            quote!(const _: &[::core::primitive::u8] = ::core::include_bytes!(#file);)
        });
        let steps = self.steps(policy);
        let user_sig = self.user_signature();
        let call = local("call");
        let handler = local("handler");
        let outcome = local("outcome");
        quote! {
            #(#outer)*
            #vis async fn #name(#call: #runtime::private::Call) -> #runtime::Secured {
                #(#inner)*
                #user_sig #body
                #policy_items
                #(#tracked)*
                let #handler = #name;
                let #outcome: ::core::result::Result<#runtime::Secured, #runtime::private::Refused> =
                    async { #steps }.await;
                ::core::convert::Into::into(#outcome)
            }
        }
    }

    /// The user's signature without our attributes on parameters, which are off already.
    fn user_signature(&self) -> TokenStream {
        self.handler.sig.to_token_stream()
    }

    /// Admission, input, rule, handler, answer.
    fn steps(&self, policy: &TokenStream) -> TokenStream {
        let admitted = local("admitted");
        let call = local("call");
        let handler = local("handler");
        let output = local("output");
        let parameters = &self.handler.parameters;
        let taken = parameters.iter().enumerate().map(|(position, parameter)| {
            let value = numbered(position);
            let input = self.take(parameter, &admitted);
            quote!(let #value = #input.await?;)
        });
        let allow = self.allow(&admitted);
        let arguments = (0..parameters.len()).map(|position| self.argument(position));
        let respond = self.respond(&admitted, &output);
        quote! {
            let mut #admitted = #call.admit(#policy).await?;
            #(#taken)*
            #allow
            let #output = #handler(#(#arguments),*).await;
            ::core::result::Result::Ok(#respond.await)
        }
    }

    /// Takes one input, so that a type that is none is blamed itself.
    fn take(&self, parameter: &Parameter, admitted: &Ident) -> TokenStream {
        let runtime = &self.runtime;
        let ty = &parameter.ty;
        let place = Place::of(ty);
        let take = match parameter.unvalidated {
            true => quote_spanned!(place.start=> #runtime::private::unvalidated::<#ty>),
            false => quote_spanned!(place.start=> #runtime::private::input::<#ty, _>),
        };
        let arguments = group(place.end, quote!(&mut #admitted));
        quote!(#take #arguments)
    }

    /// The user's rule, over the names that the user gave.
    fn allow(&self, admitted: &Ident) -> TokenStream {
        let Some(allow) = &self.policy.allow else {
            return TokenStream::new();
        };
        let named = allow.parameters.iter().filter_map(|position| {
            let name = self.handler.parameters.get(*position)?.name.as_ref()?;
            let value = numbered(*position);
            Some(quote!(let #name = #value;))
        });
        let rule = &allow.rule;
        let place = Place::of(rule);
        let method = quote_spanned!(place.start=> .allow);
        let argument = group(place.end, rule.to_token_stream());
        quote! {
            #(#named)*
            #admitted #method #argument?;
        }
    }

    /// What the handler gets for one parameter: named by the user if the rule used it.
    fn argument(&self, position: usize) -> Ident {
        let renamed = match &self.policy.allow {
            Some(allow) if allow.parameters.contains(&position) => {
                let parameter = self.handler.parameters.get(position);
                parameter.and_then(|parameter| parameter.name.clone())
            }
            _ => None,
        };
        renamed.unwrap_or_else(|| numbered(position))
    }

    /// Turns the output into an answer, so that an output that is none is blamed itself.
    fn respond(&self, admitted: &Ident, output: &Ident) -> TokenStream {
        let runtime = &self.runtime;
        let place = self.handler.output;
        let respond = quote_spanned!(place.start=> #runtime::private::respond);
        let arguments = group(place.end, quote!(#admitted, #output));
        quote!(#respond #arguments)
    }

    /// The checks that only types can answer, and the policy as a static of the given name.
    fn policy(&self, name: &Ident) -> TokenStream {
        let runtime = &self.runtime;
        let kinds = self.kinds();
        let checks = self.checks();
        let value = self.policy_value();
        quote! {
            #kinds
            #checks
            static #name: #runtime::private::Policy = #value;
        }
    }

    /// Where the value of each parameter comes from, as far as its type says.
    fn kinds(&self) -> TokenStream {
        let runtime = &self.runtime;
        let kinds = self.handler.parameters.iter().enumerate().map(|(position, parameter)| {
            let name = kind(position);
            let ty = &parameter.ty;
            let probe = match parameter.unvalidated {
                true => quote!(#runtime::private::ProbeUnvalidated::<#ty>),
                false => quote!(#runtime::private::Probe::<#ty, _>),
            };
            quote! {
                const #name: ::core::option::Option<#runtime::private::InputKind> = {
                    #[allow(unused_imports)]
                    use #runtime::private::ProbeFallback as _;
                    #probe::KIND
                };
            }
        });
        quote!(#(#kinds)*)
    }

    fn checks(&self) -> TokenStream {
        let runtime = &self.runtime;
        let parameters = &self.handler.parameters;
        let all: Vec<Ident> = (0..parameters.len()).map(kind).collect();
        let mut checks = TokenStream::new();
        let mut check = |place: Place, function: &str, arguments: TokenStream| {
            let function = Ident::new(function, place.start);
            let path = quote_spanned!(place.start=> #runtime::private::#function);
            let arguments = group(place.end, arguments);
            checks.extend(quote!(const _: () = #path #arguments;));
        };
        for key in &self.policy.body_keys {
            let name = key.name;
            check(key.place, "check_takes_body", quote!(#name, &[#(#all),*]));
        }
        for (position, parameter) in parameters.iter().enumerate() {
            let place = Place::of(&parameter.ty);
            let this = kind(position);
            let earlier: Vec<Ident> = (0..position).map(kind).collect();
            if !earlier.is_empty() {
                check(place, "check_one_body", quote!(&[#(#earlier),*], #this));
            }
            if matches!(self.policy.access, Access::Public { .. }) {
                check(place, "check_no_caller", this.to_token_stream());
            }
        }
        checks
    }

    fn policy_value(&self) -> TokenStream {
        let runtime = &self.runtime;
        let Policy { max_body, body_timeout, .. } = self.policy;
        let handler = self.handler.sig.ident.unraw().to_string();
        let access = self.access();
        let quotas = self.policy.quotas.iter().map(|quota| self.quota(quota));
        let allow = match &self.policy.allow {
            None => quote!(::core::option::Option::None),
            Some(allow) => {
                let text = &allow.text;
                let hide = allow.hide;
                quote!(::core::option::Option::Some(#runtime::private::AllowRule {
                    text: #text,
                    hide: #hide,
                }))
            }
        };
        let inputs = self.handler.parameters.iter().enumerate().map(|(position, parameter)| {
            let name = source_text(parameter.pattern.to_token_stream());
            let kind = kind(position);
            quote!(#runtime::private::InputPolicy {
                name: #name,
                kind: #runtime::private::kind(#kind),
            })
        });
        quote! {
            #runtime::private::Policy {
                handler: ::core::concat!(::core::module_path!(), "::", #handler),
                file: ::core::file!(),
                line: ::core::line!(),
                access: #access,
                quotas: &[#(#quotas),*],
                max_body: #max_body,
                body_timeout: ::core::time::Duration::from_secs(#body_timeout),
                allow: #allow,
                inputs: &[#(#inputs),*],
            }
        }
    }

    fn access(&self) -> TokenStream {
        let runtime = &self.runtime;
        match &self.policy.access {
            Access::Authenticated { roles, scopes, max_age } => {
                let roles = option(roles.as_ref().map(|rule| self.rule(rule)));
                let scopes = option(scopes.as_ref().map(|rule| self.rule(rule)));
                let max_age =
                    option(max_age.map(|seconds| quote!(::core::time::Duration::from_secs(#seconds))));
                quote!(#runtime::private::Access::Authenticated {
                    roles: #roles,
                    scopes: #scopes,
                    max_age: #max_age,
                })
            }
            Access::Public { reason } => {
                let reason = option(reason.as_ref().map(ToTokens::to_token_stream));
                quote!(#runtime::private::Access::Public { reason: #reason })
            }
            // A choice between no roles is satisfied by nobody.
            Access::Refused => {
                let nobody = self.rule(&Rule::Any(Vec::new()));
                quote!(#runtime::private::Access::Authenticated {
                    roles: ::core::option::Option::Some(#nobody),
                    scopes: ::core::option::Option::None,
                    max_age: ::core::option::Option::None,
                })
            }
        }
    }

    fn rule(&self, rule: &Rule) -> TokenStream {
        let runtime = &self.runtime;
        match rule {
            Rule::All(rules) => {
                let rules = rules.iter().map(|rule| self.rule(rule));
                quote!(#runtime::private::Rule::All(&[#(#rules),*]))
            }
            Rule::Any(rules) => {
                let rules = rules.iter().map(|rule| self.rule(rule));
                quote!(#runtime::private::Rule::Any(&[#(#rules),*]))
            }
            Rule::Has { name, satisfied_by } => quote!(#runtime::private::Rule::Has {
                name: #name,
                satisfied_by: &[#(#satisfied_by),*],
            }),
        }
    }

    fn quota(&self, quota: &Quota) -> TokenStream {
        let runtime = &self.runtime;
        let Quota { name, limit, period, burst, per } = quota;
        let per = match per {
            Per::Ip => quote!(Ip),
            Per::Route => quote!(Route),
            Per::User => quote!(User),
        };
        quote!(#runtime::private::Quota {
            name: #name,
            limit: #limit,
            period_seconds: #period,
            burst: #burst,
            per: #runtime::private::Per::#per,
        })
    }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}

/// A name that no user can see or hide.
fn local(name: &str) -> Ident {
    Ident::new(&format!("__secured_{name}"), Span::mixed_site())
}

/// The value of the parameter at a position.
fn numbered(position: usize) -> Ident {
    local(&position.to_string())
}

/// The constant that says where the parameter at a position comes from.
fn kind(position: usize) -> Ident {
    format_ident!("__SECURED_KIND_{position}")
}

/// Arguments of a call that ends where the blamed tokens end.
fn group(end: Span, arguments: TokenStream) -> TokenTree {
    let mut group = Group::new(Delimiter::Parenthesis, arguments);
    group.set_span(end);
    TokenTree::Group(group)
}
