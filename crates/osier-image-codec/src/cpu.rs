//! What the processor can do beyond the least that the build asks for.

/// Whether functions compiled for AVX2 and its companions may be called.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_avx2() -> bool {
    // The answers are cached by the standard library.
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("fma")
        && std::arch::is_x86_feature_detected!("lzcnt")
}
