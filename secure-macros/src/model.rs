//! The two sides of the check: [`Args`] may be wrong, a [`Policy`] cannot.

use proc_macro2::TokenStream;
use syn::{Ident, Pat, Path, Type};

use crate::errors::Place;

/// The attribute as written. Nothing in here was compared with anything else: names may be
/// unknown, texts may be no quota, keys may contradict each other.
#[derive(Debug, Default)]
pub(crate) struct Args {
    /// An expression, as its tokens.
    pub(crate) allow: Option<Setting<TokenStream>>,
    pub(crate) body_timeout: Option<Setting<Text>>,
    pub(crate) concurrency: Option<Setting<Number>>,
    pub(crate) cost: Option<Setting<Number>>,
    pub(crate) factor: Option<Setting<Names>>,
    pub(crate) hide: Option<Setting<()>>,
    pub(crate) login: Option<Setting<LoginArgs>>,
    pub(crate) max_age: Option<Setting<Text>>,
    pub(crate) max_body: Option<Setting<Text>>,
    pub(crate) outage: Option<Setting<Text>>,
    pub(crate) priority: Option<Setting<Text>>,
    pub(crate) public: Option<Setting<Option<Text>>>,
    pub(crate) rate: Option<Setting<Vec<Text>>>,
    pub(crate) revocation: Option<Setting<Switch>>,
    pub(crate) role: Option<Setting<Names>>,
    pub(crate) runtime: Option<Setting<Path>>,
    pub(crate) scope: Option<Setting<Names>>,
    /// Keys that were written with a value that could not be read, or misspelt; reported already.
    pub(crate) unreadable: Vec<String>,
}

impl Args {
    /// Whether a key was written, and nothing is known of its value: what seems to be missing is
    /// there, then.
    pub(crate) fn misses(&self, key: &str) -> bool {
        self.unreadable.iter().any(|unreadable| unreadable == key)
    }
}

/// A value, and the place of the key that it was given to.
#[derive(Debug)]
pub(crate) struct Setting<T> {
    pub(crate) key: Place,
    pub(crate) value: T,
}

/// The content of a string literal, and its place.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// A whole number, and its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number {
    pub(crate) value: u32,
    pub(crate) place: Place,
}

/// A check with a text of its own, or switched off.
#[derive(Debug)]
pub(crate) enum Switch {
    /// `key(off = "reason")`.
    Off(Text),
    /// `key = "text"`.
    On(Text),
}

/// What stands in `login(..)`.
#[derive(Debug, Default)]
pub(crate) struct LoginArgs {
    /// An expression, as its tokens.
    pub(crate) account: Option<Setting<TokenStream>>,
    pub(crate) attempts: Option<Setting<Text>>,
    pub(crate) lock: Option<Setting<Text>>,
    /// An expression, as its tokens.
    pub(crate) password: Option<Setting<TokenStream>>,
    /// Whether something in it could not be read, which is reported already: what seems to be
    /// missing may stand there.
    pub(crate) unread: bool,
}

/// `"a"`, `any("a", "b")`, `all("a", any("b", "c"))`.
#[derive(Debug)]
pub(crate) enum Names {
    All(Place, Vec<Names>),
    Any(Place, Vec<Names>),
    One(Text),
    /// Something that is no name; reported already.
    Unreadable,
}

/// The function below the attribute, free of mistakes of its own where no error was noted.
#[derive(Debug)]
pub(crate) struct Handler {
    /// Attributes that stay on the function that actix-web sees.
    pub(crate) outer: Vec<syn::Attribute>,
    /// Attributes that go to the user's function.
    pub(crate) inner: Vec<syn::Attribute>,
    /// `#[cfg]`s, for what is generated beside the function.
    pub(crate) cfgs: Vec<syn::Attribute>,
    /// The routes named by route macros below the attribute; `None` if there is no such macro.
    pub(crate) routes: Option<Vec<Route>>,
    pub(crate) vis: syn::Visibility,
    /// The user's signature without our attributes.
    pub(crate) sig: syn::Signature,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) output: Place,
    /// The user's body, never looked at.
    pub(crate) body: TokenStream,
}

/// One method and path of a route macro.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: syn::LitStr,
    pub(crate) method: String,
    /// Whether it has a guard, too.
    pub(crate) has_guard: bool,
}

/// One parameter of the handler.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) pattern: Pat,
    pub(crate) ty: Type,
    /// Its name, if the pattern is a plain name.
    pub(crate) name: Option<Ident>,
    /// What a pattern that is more than a name binds.
    pub(crate) bound: Vec<Ident>,
    pub(crate) unvalidated: bool,
}

/// What the handler demands, ready to be written down.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) access: Access,
    pub(crate) outage: Outage,
    pub(crate) quotas: Vec<Quota>,
    /// Units of each quota.
    pub(crate) cost: u32,
    pub(crate) concurrency: Option<u32>,
    pub(crate) priority: Priority,
    pub(crate) max_body: u64,
    pub(crate) body_timeout: u64,
    /// Keys that make sense only where a body is read.
    pub(crate) body_keys: Vec<BodyKey>,
    pub(crate) allow: Option<Allow>,
    pub(crate) login: Option<Login>,
    /// Where the runtime is found.
    pub(crate) runtime: Option<Path>,
    /// The vocabulary file, so that a change rebuilds.
    pub(crate) tracked: Option<String>,
}

impl Policy {
    /// Lets nobody in; for a handler whose own policy is wrong.
    pub(crate) fn refusing(runtime: Option<Path>) -> Self {
        Self {
            access: Access::Refused,
            outage: Outage::Deny,
            quotas: Vec::new(),
            cost: 1,
            concurrency: None,
            priority: Priority::Normal,
            max_body: 0,
            body_timeout: 0,
            body_keys: Vec::new(),
            allow: None,
            login: None,
            runtime,
            tracked: None,
        }
    }

    /// Whether an expression of the attribute names the parameter at a position.
    pub(crate) fn names_parameter(&self, position: usize) -> bool {
        let allow = self.allow.iter().flat_map(|allow| &allow.parameters);
        let login = self.login.iter().flat_map(|login| &login.parameters);
        allow.chain(login).any(|named| *named == position)
    }
}

/// Who may call.
#[derive(Debug)]
pub(crate) enum Access {
    Authenticated {
        roles: Option<Rule>,
        scopes: Option<Rule>,
        max_age: Option<u64>,
        factors: Option<Rule>,
        revocation: Revocation,
    },
    Public {
        reason: Option<String>,
    },
    /// Nobody: the vocabulary could not be read and the build fails elsewhere.
    Refused,
}

/// Who is served where the process has little room left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Priority {
    Critical,
    Normal,
}

/// What happens where the shared store does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outage {
    Deny,
    Local,
}

/// How old the knowledge of revoked tokens may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Revocation {
    Off {
        reason: String,
    },
    /// Seconds.
    Within(u64),
}

/// A condition over declared names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rule {
    All(Vec<Rule>),
    Any(Vec<Rule>),
    Has {
        name: String,
        satisfied_by: Vec<String>,
    },
}

/// An amount per time with everything decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) name: String,
    pub(crate) limit: u32,
    pub(crate) period: u32,
    pub(crate) burst: u32,
    pub(crate) per: Per,
    pub(crate) sharing: Sharing,
}

/// What a quota counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Per {
    Ip,
    Route,
    User,
}

/// How the processes of one service count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    Exact,
    Leased,
    Local,
}

/// `max_body` or `body_timeout`, as written in the attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyKey {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
}

/// The rule over the handler's arguments.
#[derive(Debug)]
pub(crate) struct Allow {
    pub(crate) rule: TokenStream,
    pub(crate) text: String,
    pub(crate) hide: bool,
    /// Positions of the parameters that the rule names.
    pub(crate) parameters: Vec<usize>,
}

/// How often the password of one account may be guessed.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) account: Expression,
    pub(crate) attempts: u32,
    /// Seconds.
    pub(crate) window: u64,
    /// Seconds.
    pub(crate) lock: u64,
    pub(crate) password: Option<Expression>,
    /// Positions of the parameters that the expressions name.
    pub(crate) parameters: Vec<usize>,
}

/// An expression over the handler's arguments.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) tokens: TokenStream,
    pub(crate) text: String,
}
