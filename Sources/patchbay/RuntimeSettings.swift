#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// What the Swift runtime of this process does and does not do.
enum RuntimeSettings {
    /// Release builds make no checks of exclusive access at run time in the modules on the way of every request (see
    /// Package.swift); this ends those in the libraries below them, which have no such setting of their own. Debug
    /// builds and the sanitizers go on making all of them.
    static func apply() {
        #if !DEBUG
            let flag = dlsym(nil, "_swift_disableExclusivityChecking")
            flag?.storeBytes(of: true, as: Bool.self)
        #endif
    }
}
