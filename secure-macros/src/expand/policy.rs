//! The policy as constant data, and the checks that only types can answer.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;

use super::{Expansion, alias, kind};
use crate::check::{caller_on_public, no_body, second_body, source_text};
use crate::errors::{Place, Wrong};
use crate::model::{
    Access, Login, Outage, Per, Policy, Priority, Quota, Revocation, Rule, Sharing,
};

impl Expansion<'_> {
    /// The checks that only types can answer, and the policy as a static of the given name.
    pub(super) fn policy(&self, name: &Ident) -> TokenStream {
        let runtime = &self.runtime;
        let (kinds, checks) = match self.calls {
            true => (self.kinds(), self.checks()),
            false => (TokenStream::new(), TokenStream::new()),
        };
        let value = self.policy_value();
        quote! {
            #kinds
            #checks
            static #name: #runtime::private::Policy = #value;
        }
    }

    /// Functions that blame a type that is no input, and say where its values come from.
    ///
    /// They are functions, and stand where the handler's name does, for the sake of a misspelt
    /// type: rustc then says exactly what it says about the user's function, and says it once.
    fn kinds(&self) -> TokenStream {
        let runtime = &self.runtime;
        let kinds = self
            .handler
            .parameters
            .iter()
            .enumerate()
            .map(|(position, parameter)| {
                let mut name = kind(position);
                name.set_span(self.handler.sig.ident.span());
                let (alias, ty) = alias(&parameter.ty);
                let bound = match parameter.unvalidated {
                    true => quote!(unvalidated::<#ty>),
                    false => quote!(input::<#ty, _>),
                };
                let bound = self.call(Place::of(&parameter.ty), bound, TokenStream::new());
                let probe = self.probe(parameter, &ty);
                quote! {
                    const fn #name() -> ::core::option::Option<#runtime::private::InputKind> {
                        #[allow(unused_imports)]
                        use #runtime::private::ProbeFallback as _;
                        #alias
                        #bound;
                        #probe::KIND
                    }
                }
            });
        quote!(#(#kinds)*)
    }

    /// What only types can tell about a policy, as constants that stop the build.
    fn checks(&self) -> TokenStream {
        let parameters = &self.handler.parameters;
        let all: Vec<Ident> = (0..parameters.len()).map(kind).collect();
        let mut checks = TokenStream::new();
        let mut check =
            |place: Place, function: TokenStream, arguments: TokenStream, wrong: Wrong| {
                let message = wrong.text();
                let check = self.call(place, function, quote!(#arguments, #message));
                checks.extend(quote!(const _: () = #check;));
            };
        if !parameters.is_empty() {
            for key in &self.policy.body_keys {
                let function = quote!(check_takes_body);
                check(
                    key.place,
                    function,
                    quote!(&[#(#all()),*]),
                    no_body(key.name),
                );
            }
        }
        for (position, parameter) in parameters.iter().enumerate() {
            let place = Place::of(&parameter.ty);
            let this = kind(position);
            let earlier: Vec<Ident> = (0..position).map(kind).collect();
            if !earlier.is_empty() {
                let function = quote!(check_one_body);
                check(
                    place,
                    function,
                    quote!(&[#(#earlier()),*], #this()),
                    second_body(),
                );
            }
            if matches!(self.policy.access, Access::Public { .. }) {
                let function = quote!(check_no_caller);
                check(place, function, quote!(#this()), caller_on_public());
            }
        }
        checks
    }

    fn policy_value(&self) -> TokenStream {
        let runtime = &self.runtime;
        let Policy {
            cost,
            max_body,
            body_timeout,
            ..
        } = self.policy;
        let handler = self.handler.sig.ident.unraw().to_string();
        let access = self.access();
        let outage = match self.policy.outage {
            Outage::Deny => quote!(Deny),
            Outage::Local => quote!(Local),
        };
        let quotas = self.policy.quotas.iter().map(|quota| self.quota(quota));
        let concurrency = option(self.policy.concurrency.map(|most| quote!(#most)));
        let priority = match self.policy.priority {
            Priority::Critical => quote!(Critical),
            Priority::Normal => quote!(Normal),
        };
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
        let login = option(
            self.policy
                .login
                .as_ref()
                .map(|login| self.login_rule(login)),
        );
        let parameters = if self.calls {
            self.handler.parameters.as_slice()
        } else {
            &[]
        };
        let inputs = parameters.iter().enumerate().map(|(position, parameter)| {
            let name = source_text(parameter.pattern.to_token_stream());
            let kind = kind(position);
            quote!(#runtime::private::InputPolicy {
                name: #name,
                kind: #runtime::private::kind(#kind()),
            })
        });
        quote! {
            #runtime::private::Policy {
                handler: ::core::concat!(::core::module_path!(), "::", #handler),
                file: ::core::file!(),
                line: ::core::line!(),
                access: #access,
                outage: #runtime::private::Outage::#outage,
                quotas: &[#(#quotas),*],
                cost: #cost,
                concurrency: #concurrency,
                priority: #runtime::private::Priority::#priority,
                max_body: #max_body,
                body_timeout: ::core::time::Duration::from_secs(#body_timeout),
                allow: #allow,
                login: #login,
                inputs: &[#(#inputs),*],
            }
        }
    }

    fn login_rule(&self, login: &Login) -> TokenStream {
        let runtime = &self.runtime;
        let Login {
            account,
            attempts,
            window,
            lock,
            password,
            ..
        } = login;
        let account = &account.text;
        let password = option(
            password
                .as_ref()
                .map(|password| password.text.to_token_stream()),
        );
        quote!(#runtime::private::LoginRule {
            account: #account,
            attempts: #attempts,
            window: ::core::time::Duration::from_secs(#window),
            lock: ::core::time::Duration::from_secs(#lock),
            password: #password,
        })
    }

    fn access(&self) -> TokenStream {
        let runtime = &self.runtime;
        match &self.policy.access {
            Access::Authenticated {
                roles,
                scopes,
                max_age,
                factors,
                revocation,
            } => {
                let roles = option(roles.as_ref().map(|rule| self.rule(rule)));
                let scopes = option(scopes.as_ref().map(|rule| self.rule(rule)));
                let max_age = option(
                    max_age.map(|seconds| quote!(::core::time::Duration::from_secs(#seconds))),
                );
                let factors = option(factors.as_ref().map(|rule| self.rule(rule)));
                let revocation = self.revocation(revocation);
                quote!(#runtime::private::Access::Authenticated {
                    roles: #roles,
                    scopes: #scopes,
                    max_age: #max_age,
                    factors: #factors,
                    revocation: #revocation,
                })
            }
            Access::Public { reason } => {
                let reason = option(reason.as_ref().map(ToTokens::to_token_stream));
                quote!(#runtime::private::Access::Public { reason: #reason })
            }
            // A choice between no roles is satisfied by nobody.
            Access::Refused => {
                let nobody = self.rule(&Rule::Any(Vec::new()));
                let revocation = self.revocation(&Revocation::Within(0));
                quote!(#runtime::private::Access::Authenticated {
                    roles: ::core::option::Option::Some(#nobody),
                    scopes: ::core::option::Option::None,
                    max_age: ::core::option::Option::None,
                    factors: ::core::option::Option::None,
                    revocation: #revocation,
                })
            }
        }
    }

    fn revocation(&self, revocation: &Revocation) -> TokenStream {
        let runtime = &self.runtime;
        match revocation {
            Revocation::Off { reason } => {
                quote!(#runtime::private::Revocation::Off { reason: #reason })
            }
            Revocation::Within(seconds) => quote!(#runtime::private::Revocation::Within(
                ::core::time::Duration::from_secs(#seconds)
            )),
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
        let Quota {
            name,
            limit,
            period,
            burst,
            per,
            sharing,
        } = quota;
        let per = match per {
            Per::Ip => quote!(Ip),
            Per::Route => quote!(Route),
            Per::User => quote!(User),
        };
        let sharing = match sharing {
            Sharing::Exact => quote!(Exact),
            Sharing::Leased => quote!(Leased),
            Sharing::Local => quote!(Local),
        };
        quote!(#runtime::private::Quota {
            name: #name,
            limit: #limit,
            period_seconds: #period,
            burst: #burst,
            per: #runtime::private::Per::#per,
            sharing: #runtime::private::Sharing::#sharing,
        })
    }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
