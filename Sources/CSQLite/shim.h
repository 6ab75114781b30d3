#include <sqlite3.h>

/// Leaves out the statistics of memory, which cost every allocation two locks. To be called before a database is opened.
static inline int patchbay_sqlite_configure(void) {
    return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
