//! The other parts as the portal knows them: a log that can be read.

kit::log_of!(Identity, "qingtian.identity.v1.Identity");
kit::log_of!(Catalog, "qingtian.catalog.v1.Catalog");
kit::log_of!(Draws, "qingtian.draws.v1.Draws");
