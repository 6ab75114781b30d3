package import PatchbayCore
import PatchbayWire

/// What a client of the admin API is told when something cannot be done.
package struct AdminError: Error, Sendable, Hashable {
    package enum Code: String, Sendable, CaseIterable {
        case unauthorized
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        /// The body is not JSON, or not an object.
        case invalidBody = "invalid_body"
        case unknownField = "unknown_field"
        /// A field or parameter breaks a rule; `field` names it.
        case invalidField = "invalid_field"
        case bodyTooLarge = "body_too_large"
        case alreadyExists = "already_exists"
        /// The configuration file declares it.
        case readOnly = "read_only"
        case inUse = "in_use"
        /// Too many wrong tokens came from the address of the client.
        case tooManyAttempts = "too_many_attempts"
        /// The store or another part is out of order; the request may be repeated later.
        case unavailable
        case internalError = "internal_error"

        package var status: Int {
            switch self {
            case .unauthorized: 401
            case .notFound: 404
            case .methodNotAllowed: 405
            case .invalidBody, .unknownField, .invalidField: 400
            case .bodyTooLarge: 413
            case .alreadyExists, .readOnly, .inUse: 409
            case .tooManyAttempts: 429
            case .unavailable: 503
            case .internalError: 500
            }
        }
    }

    package var code: Code
    /// One sentence for people. Never contains a secret.
    package var message: String
    /// The field or parameter at fault.
    package var field: String?
    /// Seconds for `Retry-After`.
    package var retryAfter: Int?

    package init(_ code: Code, _ message: String, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
    }

    package init(_ error: ValidationError) {
        self.init(.invalidField, error.description, field: error.field)
    }

    var document: JSONValue {
        [
            "error": [
                "code": .string(code.rawValue), "message": .string(message),
                "field": field.map { .string($0) } ?? .null,
            ]
        ]
    }
}

/// Runs a check of values and turns its error into one of the API.
func checking<Value>(_ body: () throws(ValidationError) -> Value) throws(AdminError) -> Value {
    do throws(ValidationError) {
        return try body()
    } catch {
        throw AdminError(error)
    }
}
