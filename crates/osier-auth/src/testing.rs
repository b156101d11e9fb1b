//! The fixed identity of the reference's vectors, and requests made by hand.
