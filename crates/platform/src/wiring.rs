//! Slices do not know each other. What one asks of another through a trait is passed on here, type by type.

use std::collections::HashSet;
use std::sync::Arc;

use db::{SystemTx, TenantTx, Tx};
use kernel::{Ctx, Page, PageRequest, Role, TenantId, UserId, WorkspaceId};
use tenants::{Applicant, Headcount, LogIn, NewPerson, People, Person};
use users::{
    CheckedAccount, HandedOver, NewAccount, OpenLogIn, Possessions, SignUpTenant, TenantDirectory, User, Users,
};
use web::{ApiError, BoxFuture};
use workspaces::{Departure, PersonCard, TenantLimits, Workspaces};

/// What people need of tenants, done by the tenants slice.
pub(crate) struct TenantsOfPeople;

impl TenantDirectory for TenantsOfPeople {
    fn create_for_sign_up<'a>(
        &'a self,
        tx: &'a SystemTx,
        cx: &'a Ctx,
        tenant: &'a SignUpTenant,
    ) -> BoxFuture<'a, Result<(), db::Error>> {
        Box::pin(tenants::create_for_sign_up(tx, cx, tenant.id, &tenant.name))
    }

    fn is_closed<'a>(&'a self, tx: &'a SystemTx, tenant: TenantId) -> BoxFuture<'a, Result<bool, db::Error>> {
        Box::pin(tenants::is_closed(tx, tenant))
    }

    fn lock_seats<'a>(
        &'a self,
        tx: &'a Tx,
        cx: &'a Ctx,
        tenant: TenantId,
    ) -> BoxFuture<'a, Result<Option<users::Seats>, db::Error>> {
        Box::pin(async move {
            let seats = tenants::lock_seats(tx, tenant, cx.now()).await?;
            Ok(seats.map(|tenants::Seats { limit, invited }| users::Seats { limit, invited }))
        })
    }
}

/// What tenants need of people, done by the users slice.
pub(crate) struct PeopleOfTenants(pub(crate) Arc<Users>);

/// A checked account on its way into a transaction of the tenants slice.
struct Account {
    users: Arc<Users>,
    checked: CheckedAccount,
    open: Option<OpenLogIn>,
}

impl Applicant for Account {
    fn admit<'a>(
        &'a mut self,
        tx: &'a SystemTx,
        cx: &'a Ctx,
        tenant: TenantId,
        role: Role,
    ) -> BoxFuture<'a, Result<UserId, ApiError>> {
        Box::pin(async move {
            let open = self.users.create_account(tx, cx, &self.checked, tenant, role).await?;
            let id = open.user_id();
            self.open = Some(open);
            Ok(id)
        })
    }

    fn log_in<'a>(self: Box<Self>, cx: &'a Ctx) -> BoxFuture<'a, Result<LogIn, ApiError>>
    where
        Self: 'a,
    {
        Box::pin(async move {
            let open = self.open.ok_or_else(|| ApiError::internal("logged in before being admitted"))?;
            let first = self.users.finish_log_in(cx, open).await?;
            Ok(LogIn {
                person: person(first.user),
                access_token: first.access_token,
                refresh_token: first.refresh_token,
                expires_in: first.expires_in,
            })
        })
    }
}

impl People for PeopleOfTenants {
    fn prepare<'a>(&'a self, cx: &'a Ctx, new: NewPerson) -> BoxFuture<'a, Result<Box<dyn Applicant>, ApiError>> {
        Box::pin(async move {
            let NewPerson { email, password, first_name, last_name } = new;
            let checked = self.0.check_account(cx, NewAccount { email, password, first_name, last_name }).await?;
            Ok(Box::new(Account { users: Arc::clone(&self.0), checked, open: None }) as Box<dyn Applicant>)
        })
    }

    fn tenant_of_address<'a>(
        &'a self,
        tx: &'a SystemTx,
        email: &'a str,
    ) -> BoxFuture<'a, Result<Option<TenantId>, db::Error>> {
        Box::pin(self.0.tenant_of_address(tx, email))
    }

    fn is_member<'a>(&'a self, tx: &'a TenantTx, email: &'a str) -> BoxFuture<'a, Result<bool, db::Error>> {
        Box::pin(self.0.is_member_address(tx, email))
    }

    fn is_of_tenant<'a>(&'a self, tx: &'a TenantTx, id: UserId) -> BoxFuture<'a, Result<bool, db::Error>> {
        Box::pin(self.0.is_of_tenant(tx, id))
    }

    fn tenants_after<'a>(
        &'a self,
        tx: &'a SystemTx,
        after: TenantId,
    ) -> BoxFuture<'a, Result<Vec<TenantId>, db::Error>> {
        Box::pin(self.0.tenants_after(tx, after))
    }

    fn count<'a>(&'a self, tx: &'a Tx, tenant: TenantId) -> BoxFuture<'a, Result<i64, db::Error>> {
        Box::pin(self.0.count_of_tenant(tx, tenant))
    }

    fn headcounts<'a>(
        &'a self,
        tx: &'a Tx,
        tenants: &'a [TenantId],
    ) -> BoxFuture<'a, Result<Vec<Headcount>, db::Error>> {
        Box::pin(async move {
            let counts = self.0.headcounts(tx, tenants).await?.into_iter();
            Ok(counts
                .map(|count| Headcount {
                    tenant: count.tenant,
                    people: count.people,
                    active: count.active,
                    owner: count.owner.map(person),
                })
                .collect())
        })
    }

    fn switch_off<'a>(&'a self, tx: &'a TenantTx, cx: &'a Ctx) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>> {
        Box::pin(self.0.switch_tenant_off(tx, cx))
    }

    fn switch_on<'a>(
        &'a self,
        tx: &'a TenantTx,
        cx: &'a Ctx,
        people: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>> {
        Box::pin(self.0.switch_people_on(tx, cx, people))
    }

    fn switched<'a>(&'a self, tenant: TenantId, people: &'a [UserId], on: bool) -> BoxFuture<'a, ()> {
        Box::pin(self.0.people_switched(tenant, people, on))
    }

    fn list<'a>(
        &'a self,
        cx: &'a Ctx,
        search: Option<String>,
        request: PageRequest,
    ) -> BoxFuture<'a, Result<Page<Person>, ApiError>> {
        Box::pin(async move { Ok(self.0.list_members(cx, search, request).await?.map(person)) })
    }

    fn change_role<'a>(&'a self, cx: &'a Ctx, id: UserId, role: &'a str) -> BoxFuture<'a, Result<Person, ApiError>> {
        Box::pin(async move { Ok(person(self.0.change_member_role(cx, id, role).await?)) })
    }
}

fn person(user: User) -> Person {
    Person {
        id: user.id,
        email: user.email,
        first_name: user.first_name,
        last_name: user.last_name,
        role: user.role,
        tenant_id: user.tenant_id,
        is_active: user.is_active,
        email_verified: user.email_verified,
        created_at: user.created_at,
        updated_at: user.updated_at,
        last_login_at: user.last_login_at,
    }
}

/// What workspaces need of people, answered by the users slice.
pub(crate) struct PeopleOfWorkspaces;

impl workspaces::People for PeopleOfWorkspaces {
    fn cards<'a>(&'a self, tx: &'a TenantTx, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<PersonCard>, db::Error>> {
        Box::pin(async move {
            let people = users::names(tx, ids).await?;
            let card = |person: users::Name| PersonCard {
                id: person.id,
                email: person.email,
                first_name: person.first_name,
                last_name: person.last_name,
            };
            Ok(people.into_iter().map(card).collect())
        })
    }

    fn present<'a>(
        &'a self,
        tx: &'a TenantTx,
        ids: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<workspaces::Present>, db::Error>> {
        Box::pin(async move {
            let people = users::present(tx, ids).await?.into_iter();
            Ok(people.map(|users::Present { id, is_active }| workspaces::Present { id, is_active }).collect())
        })
    }

    fn senior_admin<'a>(
        &'a self,
        tx: &'a TenantTx,
        except: UserId,
    ) -> BoxFuture<'a, Result<Option<UserId>, db::Error>> {
        Box::pin(users::senior_admin(tx, except))
    }
}

/// What notifications need of people, answered by the users slice.
pub(crate) struct PeopleOfNotifications;

impl notifications::People for PeopleOfNotifications {
    fn everybody<'a>(&'a self, tx: &'a TenantTx) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>> {
        Box::pin(users::everybody(tx, false))
    }

    fn admins<'a>(&'a self, tx: &'a TenantTx) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>> {
        Box::pin(users::everybody(tx, true))
    }

    fn known<'a>(&'a self, tx: &'a TenantTx, ids: &'a [UserId]) -> BoxFuture<'a, Result<Vec<UserId>, db::Error>> {
        Box::pin(async move { Ok(users::present(tx, ids).await?.into_iter().map(|person| person.id).collect()) })
    }

    fn addressees<'a>(
        &'a self,
        tx: &'a TenantTx,
        ids: &'a [UserId],
    ) -> BoxFuture<'a, Result<Vec<notifications::Addressee>, db::Error>> {
        Box::pin(async move {
            let people = users::addressees(tx, ids).await?.into_iter();
            let addressee = |users::Addressee { name, display_name, locale }| {
                let users::Name { id, email, first_name, last_name } = name;
                notifications::Addressee { id, email, first_name, last_name, display_name, locale }
            };
            Ok(people.map(addressee).collect())
        })
    }
}

/// What notifications need of workspaces, answered by that slice.
pub(crate) struct PlacesOfNotifications;

impl notifications::Places for PlacesOfNotifications {
    fn members<'a>(
        &'a self,
        tx: &'a TenantTx,
        workspace: WorkspaceId,
    ) -> BoxFuture<'a, Result<Option<Vec<UserId>>, db::Error>> {
        Box::pin(workspaces::members(tx, workspace))
    }
}

/// Which tenants there are, answered by the slices of people, who make a tenant worth telling, and of tenants.
pub(crate) struct TenanciesOfNotifications(pub(crate) Arc<Users>);

impl notifications::Tenancies for TenanciesOfNotifications {
    fn after<'a>(
        &'a self,
        tx: &'a SystemTx,
        after: TenantId,
    ) -> BoxFuture<'a, Result<notifications::Stretch, db::Error>> {
        Box::pin(async move {
            let mut open = self.0.tenants_after(tx, after).await?;
            let last = open.last().copied();
            let closed: HashSet<TenantId> = tenants::closed(tx, &open).await?.into_iter().collect();
            open.retain(|tenant| !closed.contains(tenant));
            Ok(notifications::Stretch { open, last })
        })
    }
}

/// Whether people may go on following their notifications, answered by the users slice.
pub(crate) struct StandingsOfPeople(pub(crate) Arc<Users>);

impl notifications::Standings for StandingsOfPeople {
    fn refused<'a>(&'a self, listeners: &'a [notifications::Listener]) -> BoxFuture<'a, Result<Vec<usize>, db::Error>> {
        let log_in = |&notifications::Listener { user, tenant, session }: &_| users::LogInOf { user, tenant, session };
        let whose: Vec<users::LogInOf> = listeners.iter().map(log_in).collect();
        Box::pin(async move { self.0.fallen(&whose).await })
    }
}

/// What workspaces need of plans, answered by the tenants slice.
pub(crate) struct PlansOfWorkspaces;

impl TenantLimits for PlansOfWorkspaces {
    fn max_workspaces<'a>(&'a self, tx: &'a TenantTx) -> BoxFuture<'a, Result<Option<i64>, db::Error>> {
        Box::pin(tenants::max_workspaces(tx))
    }
}

/// What people own in workspaces, handed over by the workspaces slice.
pub(crate) struct WorkspacesOfPeople(pub(crate) Arc<Workspaces>);

impl Possessions for WorkspacesOfPeople {
    fn release<'a>(
        &'a self,
        tx: &'a TenantTx,
        cx: &'a Ctx,
        person: UserId,
    ) -> BoxFuture<'a, Result<Box<dyn HandedOver>, db::Error>> {
        Box::pin(async move {
            let departure = self.0.release(tx, cx, person).await?;
            Ok(Box::new(Departed { workspaces: Arc::clone(&self.0), departure }) as Box<dyn HandedOver>)
        })
    }
}

/// A departure on its way through a transaction of the users slice.
struct Departed {
    workspaces: Arc<Workspaces>,
    departure: Departure,
}

impl HandedOver for Departed {
    fn record<'a>(&'a self, tx: &'a TenantTx, cx: &'a Ctx) -> BoxFuture<'a, Result<(), db::Error>> {
        Box::pin(self.workspaces.record_departure(tx, cx, &self.departure))
    }

    fn committed(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { self.workspaces.released(self.departure).await })
    }
}
