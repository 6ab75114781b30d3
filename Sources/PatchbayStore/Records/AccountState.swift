package import PatchbayCore

/// What was last seen of an account, whether the file or the store declares it.
package struct AccountState: Sendable, Hashable {
    /// `site/account`.
    package var account: String
    /// Nil = unknown, or the account has no limit.
    package var balance: Money?
    /// One sentence; nil = the last check went well.
    package var lastError: String?
    /// Milliseconds since 1970 of the last check; nil = never.
    package var checkedAt: Int64?
    /// Models the site said it serves; nil = never asked.
    package var models: [ModelMapping]?
    /// Milliseconds since 1970 when the models were discovered.
    package var modelsAt: Int64?

    package init(account: String) {
        self.account = account
    }
}

extension Store {
    /// The state of every account that has one, by id.
    @available(*, noasync)
    package func accountStates() throws(StoreError) -> [String: AccountState] { try read(Self.loadingStates(sealing)) }
    package func accountStates() async throws(StoreError) -> [String: AccountState] {
        try await read(Self.loadingStates(sealing))
    }

    /// Replaces the state of an account.
    @available(*, noasync)
    package func saveAccountState(_ state: AccountState) throws(StoreError) { try write(Self.saving(state)) }
    package func saveAccountState(_ state: AccountState) async throws(StoreError) {
        try await write(Self.saving(state))
    }

    private static func loadingStates(
        _ sealing: SealingKey
    ) -> @Sendable (Database) throws(StoreError) -> [String: AccountState] {
        { database throws(StoreError) in
            var states: [String: AccountState] = [:]
            let tables = DefinitionTables(database, sealing)
            for (state, models) in try database.rows(
                "SELECT account, balance, last_error, checked_at, models_at, models FROM account_state", [],
                { (Self.state(from: $0), $0.optionalText(5)) })
            {
                states[state.account] = state
                states[state.account]?.models = try tables.models(models)
            }
            return states
        }
    }

    private static func state(from row: Statement) -> AccountState {
        var state = AccountState(account: row.text(0))
        state.balance = row.optionalInteger(1).map(Money.init(picodollars:))
        state.lastError = row.optionalText(2)
        state.checkedAt = row.optionalInteger(3)
        state.modelsAt = row.optionalInteger(4)
        return state
    }

    private static func saving(_ state: AccountState) -> @Sendable (Database) throws(StoreError) -> Void {
        { database throws(StoreError) in
            try database.run(
                """
                INSERT INTO account_state (account, balance, last_error, checked_at, models, models_at)
                VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (account) DO UPDATE SET balance = excluded.balance, last_error = excluded.last_error,
                    checked_at = excluded.checked_at, models = excluded.models, models_at = excluded.models_at
                """, .text(state.account), .optional(state.balance?.picodollars), .optional(state.lastError),
                .optional(state.checkedAt), .optional(DefinitionTables.json(state.models)), .optional(state.modelsAt))
        }
    }
}
