//! Switches that weaken a service. Each says what it gives up.

/// How a request must have come.
///
/// ```
/// use secure_runtime::danger::Transport;
/// assert_eq!(Transport::default(), Transport::Https);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// Over TLS that ends in this process.
    #[default]
    Https,
    /// Over TLS that ends at a trusted proxy, which says so in `X-Forwarded-Proto` or
    /// `Forwarded`. Gives up: whoever reaches the service from a trusted proxy's address is
    /// believed.
    BehindProxy,
    /// Anyhow. Gives up everything that TLS gives: tokens can be read and used by whoever sees
    /// the traffic. For development and tests.
    Plaintext,
}
