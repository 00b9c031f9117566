//! What the shop keeps, in memory.

mod accounts;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

pub use accounts::{Account, Accounts};

/// Something on sale.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Price in cents.
    pub price: u32,
}

/// What a customer has ordered.
#[derive(Clone, Debug, Serialize)]
pub struct Order {
    /// Its number.
    pub id: u64,
    /// Name of the item.
    pub item: String,
    /// How many.
    pub quantity: u32,
    /// Issuer and subject of the customer: a subject alone names nobody.
    #[serde(skip)]
    pub owner: String,
}

/// Items, orders and accounts.
#[derive(Debug)]
pub struct Store {
    /// Who may log in here.
    pub accounts: Accounts,
    items: Mutex<BTreeMap<u64, Item>>,
    orders: Mutex<BTreeMap<u64, Order>>,
}

impl Default for Store {
    fn default() -> Self {
        let items = [("tea", 450), ("coffee", 690), ("cocoa", 520)];
        let items = (1..).zip(items).map(|(id, (name, price))| {
            let name = name.to_owned();
            (id, Item { id, name, price })
        });
        Self {
            accounts: Accounts::default(),
            items: Mutex::new(items.collect()),
            orders: Mutex::default(),
        }
    }
}

impl Store {
    /// Items whose name contains `text`, at most `limit`.
    pub fn items(&self, text: &str, limit: usize) -> Vec<Item> {
        lock(&self.items)
            .values()
            .filter(|item| item.name.contains(text))
            .take(limit)
            .cloned()
            .collect()
    }

    /// Puts an item on sale.
    pub fn add_item(&self, name: String, price: u32) -> Item {
        let mut items = lock(&self.items);
        let id = next(&items);
        let item = Item { id, name, price };
        items.insert(id, item.clone());
        item
    }

    /// Whether there is an item of this name.
    pub fn sells(&self, name: &str) -> bool {
        lock(&self.items).values().any(|item| item.name == name)
    }

    /// Places an order.
    pub fn place(&self, owner: &str, item: String, quantity: u32) -> Order {
        let mut orders = lock(&self.orders);
        let id = next(&orders);
        let order = Order {
            id,
            item,
            quantity,
            owner: owner.to_owned(),
        };
        orders.insert(id, order.clone());
        order
    }

    /// The order of this number.
    pub fn order(&self, id: u64) -> Option<Order> {
        lock(&self.orders).get(&id).cloned()
    }

    /// The orders of one customer.
    pub fn orders_of(&self, owner: &str) -> Vec<Order> {
        lock(&self.orders)
            .values()
            .filter(|order| order.owner == owner)
            .cloned()
            .collect()
    }

    /// Takes an order away; whether there was one.
    pub fn cancel(&self, id: u64) -> bool {
        lock(&self.orders).remove(&id).is_some()
    }
}

fn next<T>(map: &BTreeMap<u64, T>) -> u64 {
    map.keys().next_back().map_or(1, |last| last + 1)
}

/// A panic elsewhere cannot leave these maps half changed, so a poisoned lock is as good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
