"""Host functions: one module per imported interface of wit/. A guest's call becomes an answer or an effect."""
