//! Why a request to the CDN API is refused, with the API's codes.
//!
//! Nothing here holds a secret; what a client sent is shortened.

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CdnFault {
    /// A parameter is missing.
    #[error("{0} is mandatory for this action.")]
    Missing(&'static str),
    /// A parameter has a value that can't be.
    #[error("The parameter {parameter} is not valid: {reason}.")]
    Malformed {
        /// Its name on the wire.
        parameter: &'static str,
        /// What would be right.
        reason: String,
    },
    /// There is no such domain, or it is another account's.
    #[error("The domain `{0}` provided does not belong to you.")]
    NoDomain(String),
    /// There is such a domain already.
    #[error("The domain `{0}` is there already.")]
    DomainExists(String),
    /// The settings file has a site of this name.
    #[error("The domain `{0}` belongs to a site of the server's settings.")]
    SiteOfSettings(String),
    /// As many as may be are there.
    #[error("There may be at most {0} domains.")]
    TooManyDomains(usize),
    /// The domain is stopped.
    #[error("The domain `{0}` is offline.")]
    Offline(String),
    /// There is no such function, or it does nothing here.
    #[error("The function `{0}` is not supported here.")]
    NoFunction(String),
    /// A function can't be set so.
    #[error("The function `{function}` can't be set so: {reason}.")]
    Function {
        /// Its name.
        function: String,
        /// Why.
        reason: String,
    },
    /// Two functions exclude each other.
    #[error("`{function}` and `{other}` exclude each other; delete the other first.")]
    Conflict {
        /// The one to be set.
        function: &'static str,
        /// The one that is there.
        other: &'static str,
    },
    /// There is no such record of a function.
    #[error("There is no configuration with the id `{0}`.")]
    NoConfig(String),
    /// More things at once than may be.
    #[error("A request may name at most {max} {what}.")]
    OverLimit {
        /// Of what.
        what: &'static str,
        /// How many.
        max: usize,
    },
    /// Nothing more can be refreshed today.
    #[error("Your refresh queries exceeded the daily limit.")]
    RefreshQuota,
    /// Nothing more can be prefetched today.
    #[error("Your preload queries exceeded the daily limit.")]
    PreloadQuota,
    /// A certificate can't be used.
    #[error("The certificate can't be used: {0}.")]
    Certificate(String),
    /// What the domain was to be can't be served.
    #[error("The domain can't be served so: {0}.")]
    Unservable(String),
    /// There was nothing to serve before, and the addresses for it can't be had.
    #[error("Nothing can listen for domains: {0}. Nothing changed.")]
    NotListening(String),
    /// The change could not be kept, and nothing changed.
    #[error("The change could not be written down; nothing changed.")]
    NotKept,
    /// A defect.
    #[error("The request processing has failed due to some unknown error.")]
    Internal,
}

impl CdnFault {
    /// The parameter `parameter` has a value that can't be.
    pub fn malformed(parameter: &'static str, reason: impl Into<String>) -> Self {
        Self::Malformed {
            parameter,
            reason: reason.into(),
        }
    }

    /// There is no domain of this name.
    pub fn no_domain(name: &str) -> Self {
        Self::NoDomain(short(name))
    }

    /// `function` can't be set so.
    pub fn function(function: &str, reason: impl Into<String>) -> Self {
        Self::Function {
            function: short(function),
            reason: reason.into(),
        }
    }

    /// The code on the wire; names from the API's own error tables.
    pub fn code(&self) -> String {
        match self {
            Self::Missing(name) => format!("Missing{name}"),
            Self::Malformed { parameter, .. } => format!("Invalid{parameter}.Malformed"),
            Self::NoDomain(_) => "InvalidDomain.NotFound".to_owned(),
            Self::DomainExists(_) | Self::SiteOfSettings(_) => "DomainAlreadyExist".to_owned(),
            Self::TooManyDomains(_) => "DomainOverLimit".to_owned(),
            Self::Offline(_) => "InvalidDomain.Offline".to_owned(),
            Self::NoFunction(_) => "InvalidFunctions.ValueNotSupported".to_owned(),
            Self::Function { .. } => "InvalidFunctions.Malformed".to_owned(),
            Self::Conflict { .. } => "ConfigurationConflicts".to_owned(),
            Self::NoConfig(_) => "InvalidConfigId.NotFound".to_owned(),
            Self::OverLimit { .. } => "SingleRequest.OverLimit".to_owned(),
            Self::RefreshQuota => "QuotaExceeded.Refresh".to_owned(),
            Self::PreloadQuota => "QuotaExceeded.Preload".to_owned(),
            Self::Certificate(_) => "Certificate.FormatError".to_owned(),
            Self::Unservable(_) => "InvalidParameter".to_owned(),
            Self::NotKept | Self::NotListening(_) => "ServiceUnavailable".to_owned(),
            Self::Internal => "InternalError".to_owned(),
        }
    }

    /// The first word of the code, for logs and metrics.
    pub const fn family(&self) -> &'static str {
        match self {
            Self::Missing(_) => "MissingParameter",
            Self::Malformed { .. } | Self::Unservable(_) => "InvalidParameter",
            Self::NoDomain(_) | Self::Offline(_) => "InvalidDomain",
            Self::DomainExists(_) | Self::SiteOfSettings(_) => "DomainAlreadyExist",
            Self::TooManyDomains(_) => "DomainOverLimit",
            Self::NoFunction(_) | Self::Function { .. } => "InvalidFunctions",
            Self::Conflict { .. } => "ConfigurationConflicts",
            Self::NoConfig(_) => "InvalidConfigId",
            Self::OverLimit { .. } => "SingleRequest",
            Self::RefreshQuota | Self::PreloadQuota => "QuotaExceeded",
            Self::Certificate(_) => "Certificate",
            Self::NotKept | Self::NotListening(_) => "ServiceUnavailable",
            Self::Internal => "InternalError",
        }
    }

    /// The status on the wire.
    pub const fn status(&self) -> u16 {
        match self {
            Self::NoDomain(_) | Self::Offline(_) | Self::NoConfig(_) => 404,
            Self::TooManyDomains(_) => 403,
            Self::NotKept | Self::NotListening(_) => 503,
            Self::Internal => 500,
            _ => 400,
        }
    }
}

/// What may be repeated of a text that came from outside.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(130).collect()
}
