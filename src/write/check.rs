//! Checks the items of a write before anything is sent. Pure.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use crate::authoring::scalar;
use crate::definition::{Operation, OptionRule, Send, Strangers};
use crate::error::{Advice, Error, ErrorKind, Fault, Place, Result};
use crate::item::{Item, Items};
use crate::json_error;
use crate::json_pointer::escape;
use crate::options::{Given, Options};

/// A fault in one item.
pub(crate) struct ItemFault {
    pub(crate) index: usize,
    /// JSON Pointer within the item.
    pub(crate) pointer: String,
    pub(crate) message: String,
    advice: Advice,
}

impl ItemFault {
    fn numbered(self) -> Fault {
        let ItemFault { index, pointer, message, advice } = self;
        let place = Place::field(format!("/{index}{pointer}"));
        Fault { place, message: format!("item {index}: {message}"), advice: Some(advice) }
    }
}

/// Checks items before anything is sent: their number, each against the schema, and that each identifies its record.
/// Returns the fields that the operation does not have; they are no error.
///
/// ```
/// use opnode::{Catalog, ErrorKind, Items, Options, check_items};
///
/// let mut catalog = Catalog::empty();
/// catalog.add_folder("examples/definitions".as_ref())?;
/// let operation = catalog.operation(None, "createTicket")?;
///
/// let items = Items::from_array(r#"[{"summary": "Printer", "colour": "red"}]"#)?;
/// let unknown = check_items(&operation, &Options::default(), Some(&items))?;
/// assert_eq!(unknown[0].place.field.as_deref(), Some("/0/colour"));
///
/// let items = Items::from_array(r#"[{"priority": "urgent"}]"#)?;
/// let error = check_items(&operation, &Options::default(), Some(&items)).unwrap_err();
/// assert_eq!((error.kind(), error.faults.len()), (ErrorKind::InvalidItems, 2));
/// # Ok::<(), opnode::Error>(())
/// ```
///
/// # Errors
/// `invalid_items` with every fault; `invalid_items` and `invalid_options` when items are missing, or given to an
/// operation without items.
pub fn check_items(operation: &Operation, options: &Options, items: Option<&Items>) -> Result<Vec<Fault>> {
    let (faults, unknown) = look(operation, options, items)?;
    if faults.is_empty() {
        return Ok(unknown);
    }
    let faults = faults.into_iter().map(ItemFault::numbered).collect();
    Err(operation.refuse(ErrorKind::InvalidItems, &format!("the items for {} do not fit", operation.id), faults))
}

/// Checks items: their number, each against the schema, and that each identifies its record. Returns the faults, and
/// the fields that the operation does not have.
///
/// # Errors
/// `invalid_items` and `invalid_options` when items are missing, or given to an operation without items.
pub(crate) fn look(
    operation: &Operation,
    options: &Options,
    items: Option<&Items>,
) -> Result<(Vec<ItemFault>, Vec<Fault>)> {
    let invalid = |message: String| {
        Err(Error::new(ErrorKind::InvalidItems, message).with(|d| d.operation = Some(operation.id.clone())))
    };
    let names: Vec<&str> = operation
        .options
        .iter()
        .filter(|o| operation.item_may_fill(o) && !options.contains(&o.name))
        .map(|o| o.name.as_str())
        .collect();
    let Some(items) = items else {
        if operation.items.as_ref().is_some_and(|r| r.required) {
            return invalid(format!("{} needs items: the records to send", operation.id));
        }
        let is_needed = |name: &&&str| operation.option(name).is_some_and(|o| o.required);
        if let Some(name) = names.iter().find(is_needed) {
            return Err(Error::new(
                ErrorKind::InvalidOptions,
                format!("`{name}` is missing: give it as an option, or give items with a field of this name"),
            )
            .at(Place::field(format!("/{name}")))
            .with(|d| d.operation = Some(operation.id.clone())));
        }
        return Ok((Vec::new(), Vec::new()));
    };
    if operation.items.is_none() && names.is_empty() && !items.is_empty() {
        let fills = operation.options.iter().find(|o| operation.item_may_fill(o));
        return invalid(match fills {
            Some(option) => {
                format!(
                    "{0} takes `{1}` as an option or in items, not both: remove `{1}` or the items",
                    operation.id, option.name
                )
            }
            None => format!("{} takes no items", operation.id),
        });
    }
    let mut faults: Vec<ItemFault> = Vec::new();
    let mut strangers = Strangers::of(operation);
    let mut given = options.clone();
    for (index, item) in items.iter().enumerate() {
        check_item(operation, (&names, &mut given), index, item, (&mut faults, &mut strangers))?;
        if faults.len() >= FAULTS_MAX {
            break;
        }
    }
    check_shared(operation, &names, items, &mut faults);
    let unknown = if faults.is_empty() { strangers.faults() } else { Vec::new() };
    Ok((faults, unknown))
}

/// Maximum number of reported faults.
const FAULTS_MAX: usize = 100;

/// `names` are the options that the item provides.
fn check_item(
    operation: &Operation,
    (names, given): (&[&str], &mut Options),
    index: usize,
    item: Item<'_>,
    (faults, strangers): (&mut Vec<ItemFault>, &mut Strangers<'_>),
) -> Result<()> {
    let mut fault = |pointer: String, message: String| {
        let advice = Advice::DescribeOperation(operation.id.clone());
        faults.push(ItemFault { index, pointer, message, advice });
    };
    let value = match crate::json_text::value_of(item.as_str()) {
        Ok(value) => value,
        Err(e) => {
            fault(String::new(), format!("it cannot be read: {}", json_error::words(&e, item.as_str())));
            return Ok(());
        }
    };
    // Other fields are sent as they are, and the system decides.
    let fields = OnceCell::new();
    let count = |name: &str| {
        let fields = fields.get_or_init(|| item.fields().unwrap_or_default());
        fields.iter().filter(|(field, _)| field == name).count()
    };
    if let Some(option) = operation.options.iter().find(|o| operation.item_may_fill(o) && count(&o.name) > 1) {
        fault(String::new(), format!("`{}` is in it twice, so its value is ambiguous", option.name));
        return Ok(());
    }
    if let Some(rule) = &operation.items {
        // In a patch, null removes a field; the remote system decides whether that is allowed.
        let patched = matches!(rule.send, Send::JsonPatch(_)).then(|| without_nulls(&value)).flatten();
        operation
            .check_item_text(rule, patched.as_ref().unwrap_or(&value), item.as_str())?
            .into_iter()
            .for_each(|f| fault(f.pointer, f.message));
        strangers.look(index, &value);
    } else if !value.is_object() {
        fault(String::new(), "it must be an object".into());
        return Ok(());
    }
    for name in operation.body_names(given).filter(|name| value.get(name.as_str()).is_some()) {
        let message = format!("`{name}` is a field of the body that the definition or an option sets: remove it");
        fault(format!("/{}", escape(&name)), message);
    }
    // If the path ends with this name, the item's field identifies the record. Elsewhere the item may have an unrelated
    // field of that name.
    let own = |name: &str| operation.path.last_name() == Some(name) && operation.verb != http::Method::POST;
    let drops = operation.items.as_ref().is_none_or(|rule| rule.drop_sent);
    let same =
        |o: &&OptionRule| operation.item_may_fill(o) && !names.contains(&o.name.as_str()) && (drops || own(&o.name));
    for option in operation.options.iter().filter(same) {
        let text = |value: Option<&Value>| value.and_then(scalar);
        if let (Some(own), Some(said)) = (text(value.get(&option.name)), text(given.values().get(&option.name)))
            && own != said
        {
            let name = &option.name;
            fault(
                format!("/{name}"),
                format!("its `{name}` is {own}, but the option `{name}` is {said}: remove one of them"),
            );
        }
    }
    for name in names {
        let field = format!("/{name}");
        match value.get(name).map(|v| (v, scalar(v))) {
            Some((own, Some(text))) if !matches!(text.trim(), "" | "." | "..") => {
                let raw = crate::digits::is_long(item.as_str()).then(|| item.raw(&[(*name).to_owned()])).flatten();
                if let Some(misfit) = operation.check_filled(given, name, Given::new(own, raw))? {
                    fault(field, misfit);
                }
            }
            Some((Value::Null, _)) if operation.option(name).is_some_and(|o| !o.required) => {}
            Some(_) => fault(field, format!("`{name}` cannot be used in the address")),
            None if operation.option(name).is_some_and(|o| o.required) => {
                fault(field, format!("`{name}` is missing; it identifies the record"));
            }
            None => {}
        }
    }
    Ok(())
}

fn without_nulls(value: &Value) -> Option<Value> {
    let fields = value.as_object()?;
    Some(fields.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect::<Map<_, _>>().into())
}

/// Items of one request must identify the same record if the address contains it.
fn check_shared(operation: &Operation, names: &[&str], items: &Items, faults: &mut Vec<ItemFault>) {
    let together = operation.items.as_ref().is_some_and(|r| matches!(r.send, Send::All | Send::Chunk(_)));
    if !together || names.is_empty() {
        return;
    }
    let key = |item: Item<'_>| {
        let fields = item.fields().unwrap_or_default();
        names
            .iter()
            .map(|name| fields.iter().find(|(n, _)| n == name).map(|(_, raw)| raw.get().to_owned()))
            .collect::<Vec<_>>()
    };
    let first = items.get(0).map(key);
    if let Some((index, _)) = items.iter().enumerate().find(|(_, item)| Some(key(*item)) != first) {
        let message = "it names another record than item 0, but all items are sent in one request".to_owned();
        let advice = format!("call {} once per {}", operation.id, names.join(" and ")).into();
        faults.push(ItemFault { index, pointer: String::new(), message, advice });
    }
}
