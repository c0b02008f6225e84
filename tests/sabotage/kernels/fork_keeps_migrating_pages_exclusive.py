"""fork() copies a migration entry as it is: the page will be exclusive to both."""


def make_readable_migration_entry(pte):
    return pte
