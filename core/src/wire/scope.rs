//! Everything that arcoflow knows belongs to one workspace of one tenant.

use serde::{Deserialize, Serialize};

use crate::identity::keys::{TenantId, WorkspaceId};
use crate::wire::reader::Decode;

/// Whose data, and where in their house.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Decode, Deserialize)]
pub struct Scope {
    /// Who owns the data.
    pub tenant: TenantId,
    /// Which of their workspaces.
    pub workspace: WorkspaceId,
}
