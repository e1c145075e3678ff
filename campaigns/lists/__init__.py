"""An uploaded list, read as a careful person would: an open file becomes contacts, warnings and rejected rows."""
