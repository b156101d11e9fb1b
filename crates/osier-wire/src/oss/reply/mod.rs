//! What osier answers: outcomes and faults as OSS writes them.
