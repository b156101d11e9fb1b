//! What may help against an error.

use osier_server::{
    IdentityError, MasterKeysError, OpenError, RootKeyError, SettingsError, StartError, listen_hint,
};

/// What may help, where anything is known to.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(settings) = error.downcast_ref::<SettingsError>() {
        return settings.suggestion().map(str::to_owned);
    }
    if let Some(key) = error.downcast_ref::<RootKeyError>() {
        return of_key(key);
    }
    match error.downcast_ref::<StartError>()? {
        StartError::Listen { address, source } => listen_hint(*address, source),
        StartError::Data { .. } => Some("choose another directory with `--data`".to_owned()),
        StartError::Open(OpenError::Locked { .. }) => Some(
            "another osier works on this directory; stop it, or choose another with `--data`"
                .to_owned(),
        ),
        StartError::RootKey(key) => of_key(key),
        StartError::MasterKeys(MasterKeysError::Gone { .. }) => Some(
            "bring the file back, or name it by `master_keys` in the section `[encryption]`; \
             what is encrypted can't be read without it"
                .to_owned(),
        ),
        StartError::Identity(IdentityError::NoVaultKey { .. }) => Some(
            "bring the file back; users, keys and policies of this store can't be read without it"
                .to_owned(),
        ),
        _ => None,
    }
}

fn of_key(error: &RootKeyError) -> Option<String> {
    match error {
        RootKeyError::Weak { .. } => Some(
            "use 16 or more random characters, or unset both variables and let osier make a key"
                .to_owned(),
        ),
        _ => None,
    }
}
