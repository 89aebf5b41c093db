//! Everything that arcoflow knows belongs to one workspace of one tenant.

use serde::{Deserialize, Serialize};

use crate::identity::keys::{TenantId, WorkspaceId};

/// Whose data, and where in their house.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// Who owns the data.
    pub tenant: TenantId,
    /// Which of their workspaces.
    pub workspace: WorkspaceId,
}
