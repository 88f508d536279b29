//! Values of Arrow arrays as JSON. Numbers keep their digits; what JSON does not have is refused.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, RunEndIndexType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, MapArray, RunArray, downcast_dictionary_array};
use arrow_schema::extension::EXTENSION_TYPE_NAME_KEY;
use arrow_schema::{DataType, Field, Fields, TimeUnit};

use super::arrow_time::{NoJson, put_day, put_duration, put_time, put_time_of_day, put_time_value};
use crate::json_text::{one_line, put_text};

/// Whether values of a field can be JSON.
///
/// # Errors
/// The path of a field that cannot, with its type.
pub(super) fn check_type(field: &Field, path: &str) -> Result<(), (String, String)> {
    let within = |inner: &Field, path: &str| check_type(inner, path);
    match field.data_type() {
        DataType::FixedSizeBinary(16) if is_extension(field, "arrow.uuid") => Ok(()),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            Err((path.to_owned(), "binary".to_owned()))
        }
        DataType::Interval(_) => Err((path.to_owned(), "an interval".to_owned())),
        DataType::Union(..) => Err((path.to_owned(), "a union".to_owned())),
        DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::ListView(inner)
        | DataType::LargeListView(inner)
        | DataType::FixedSizeList(inner, _) => within(inner, path),
        DataType::Map(inner, _) => match inner.data_type() {
            DataType::Struct(fields) => check_fields(fields, path),
            _ => Err((path.to_owned(), "a map without keys".to_owned())),
        },
        DataType::Struct(fields) => check_fields(fields, path),
        DataType::Dictionary(_, value) => within(&Field::new("", (**value).clone(), true), path),
        DataType::RunEndEncoded(_, values) => within(values, path),
        _ => Ok(()),
    }
}

/// The same for the fields of an object; their names must differ.
pub(super) fn check_fields(fields: &Fields, path: &str) -> Result<(), (String, String)> {
    let mut names = std::collections::BTreeSet::new();
    for field in fields {
        let own = if path.is_empty() { field.name().clone() } else { format!("{path}/{}", field.name()) };
        if !names.insert(field.name()) {
            return Err((own, "there twice".to_owned()));
        }
        check_type(field, &own)?;
    }
    Ok(())
}

fn is_extension(field: &Field, name: &str) -> bool {
    field.metadata().get(EXTENSION_TYPE_NAME_KEY).is_some_and(|own| own == name)
}

/// Writes the value of a field at a place of its array.
pub(crate) fn put_value(out: &mut String, field: &Field, array: &dyn Array, at: usize) -> Result<(), NoJson> {
    if array.is_null(at) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Null => out.push_str("null"),
        DataType::Boolean => out.push_str(if array.as_boolean().value(at) { "true" } else { "false" }),
        DataType::Int8 => put_integer::<Int8Type>(out, array, at),
        DataType::Int16 => put_integer::<Int16Type>(out, array, at),
        DataType::Int32 => put_integer::<Int32Type>(out, array, at),
        DataType::Int64 => put_integer::<Int64Type>(out, array, at),
        DataType::UInt8 => put_integer::<UInt8Type>(out, array, at),
        DataType::UInt16 => put_integer::<UInt16Type>(out, array, at),
        DataType::UInt32 => put_integer::<UInt32Type>(out, array, at),
        DataType::UInt64 => put_integer::<UInt64Type>(out, array, at),
        DataType::Float16 => put_single(out, array.as_primitive::<Float16Type>().value(at).to_f32())?,
        DataType::Float32 => put_single(out, array.as_primitive::<Float32Type>().value(at))?,
        DataType::Float64 => put_double(out, array.as_primitive::<Float64Type>().value(at))?,
        DataType::Decimal32(_, scale) => put_scaled::<Decimal32Type>(out, array, at, *scale),
        DataType::Decimal64(_, scale) => put_scaled::<Decimal64Type>(out, array, at, *scale),
        DataType::Decimal128(_, scale) => put_scaled::<Decimal128Type>(out, array, at, *scale),
        DataType::Decimal256(_, scale) => put_scaled::<Decimal256Type>(out, array, at, *scale),
        DataType::Utf8 => put_field_text(out, field, array.as_string::<i32>().value(at))?,
        DataType::LargeUtf8 => put_field_text(out, field, array.as_string::<i64>().value(at))?,
        DataType::Utf8View => put_field_text(out, field, array.as_string_view().value(at))?,
        DataType::Date32 => put_day(out, i64::from(array.as_primitive::<Date32Type>().value(at)))?,
        DataType::Date64 => {
            let milliseconds = array.as_primitive::<Date64Type>().value(at);
            match milliseconds % 86_400_000 {
                0 => put_day(out, milliseconds / 86_400_000)?,
                _ => put_time(out, milliseconds, TimeUnit::Millisecond, false)?,
            }
        }
        DataType::Timestamp(unit, zone) => put_time_value(out, array, at, *unit, zone.is_some())?,
        DataType::Time32(_) | DataType::Time64(_) => put_time_of_day(out, array, at)?,
        DataType::Duration(unit) => put_duration(out, array, at, *unit),
        DataType::FixedSizeBinary(16) => put_uuid(out, array.as_fixed_size_binary().value(at)),
        _ => put_nested(out, field, array, at)?,
    }
    Ok(())
}

fn put_nested(out: &mut String, field: &Field, array: &dyn Array, at: usize) -> Result<(), NoJson> {
    match array.data_type() {
        DataType::List(inner) => put_elements(out, inner, &array.as_list::<i32>().value(at)),
        DataType::LargeList(inner) => put_elements(out, inner, &array.as_list::<i64>().value(at)),
        DataType::ListView(inner) => put_elements(out, inner, &array.as_list_view::<i32>().value(at)),
        DataType::LargeListView(inner) => put_elements(out, inner, &array.as_list_view::<i64>().value(at)),
        DataType::FixedSizeList(inner, _) => put_elements(out, inner, &array.as_fixed_size_list().value(at)),
        DataType::Struct(fields) => put_fields(out, fields, array.as_struct().columns(), at),
        DataType::Map(..) => put_map(out, array.as_map(), at),
        DataType::Dictionary(..) => put_dictionary(out, field, array, at),
        DataType::RunEndEncoded(ends, values) => match ends.data_type() {
            DataType::Int16 => put_run::<Int16Type>(out, values, array, at),
            DataType::Int32 => put_run::<Int32Type>(out, values, array, at),
            _ => put_run::<Int64Type>(out, values, array, at),
        },
        other => Err(format!("is of the type {other}, which JSON does not have")),
    }
}

fn put_elements(out: &mut String, inner: &Field, elements: &ArrayRef) -> Result<(), NoJson> {
    out.push('[');
    for at in 0..elements.len() {
        if at > 0 {
            out.push(',');
        }
        put_value(out, inner, elements, at)?;
    }
    out.push(']');
    Ok(())
}

/// Writes the fields of an object.
pub(crate) fn put_fields(out: &mut String, fields: &Fields, columns: &[ArrayRef], at: usize) -> Result<(), NoJson> {
    out.push('{');
    for (index, (field, column)) in fields.iter().zip(columns).enumerate() {
        if index > 0 {
            out.push(',');
        }
        put_text(out, field.name());
        out.push(':');
        put_value(out, field, column, at).map_err(|why| within(field.name(), why))?;
    }
    out.push('}');
    Ok(())
}

/// The refusal of a value in a field: `a/b is …`.
fn within(name: &str, why: NoJson) -> NoJson {
    let between = if why.starts_with("is ") { " " } else { "/" };
    format!("{name}{between}{why}")
}

/// A map as an object, if its keys are texts; else as a list of pairs.
fn put_map(out: &mut String, map: &MapArray, at: usize) -> Result<(), NoJson> {
    let entries = map.value(at);
    let [keys, values] = entries.columns() else { return Err("is a map without values".to_owned()) };
    let [key_field, value_field] = &entries.fields()[..] else { return Err("is a map without values".to_owned()) };
    let texts: Option<Vec<&str>> = match keys.data_type() {
        DataType::Utf8 => keys.as_string::<i32>().iter().collect(),
        DataType::LargeUtf8 => keys.as_string::<i64>().iter().collect(),
        DataType::Utf8View => keys.as_string_view().iter().collect(),
        _ => None,
    };
    let is_object = texts.as_ref().is_some_and(|texts| {
        let names: std::collections::BTreeSet<&str> = texts.iter().copied().collect();
        names.len() == texts.len()
    });
    out.push(if is_object { '{' } else { '[' });
    for at in 0..keys.len() {
        if at > 0 {
            out.push(',');
        }
        if is_object {
            put_value(out, key_field, keys, at)?;
            out.push(':');
            put_value(out, value_field, values, at)?;
        } else {
            out.push_str("{\"key\":");
            put_value(out, key_field, keys, at)?;
            out.push_str(",\"value\":");
            put_value(out, value_field, values, at)?;
            out.push('}');
        }
    }
    out.push(if is_object { '}' } else { ']' });
    Ok(())
}

fn put_dictionary(out: &mut String, field: &Field, array: &dyn Array, at: usize) -> Result<(), NoJson> {
    downcast_dictionary_array!(
        array => {
            let key = array.key(at).ok_or_else(|| "has no key".to_owned())?;
            put_value(out, field, array.values(), key)
        }
        _ => Err("has no dictionary".to_owned()),
    )
}

fn put_run<R: RunEndIndexType>(out: &mut String, field: &Field, array: &dyn Array, at: usize) -> Result<(), NoJson> {
    let run = array.as_any().downcast_ref::<RunArray<R>>().ok_or_else(|| "has no runs".to_owned())?;
    put_value(out, field, run.values(), run.get_physical_index(at))
}

fn put_integer<T: ArrowPrimitiveType<Native: std::fmt::Display>>(out: &mut String, array: &dyn Array, at: usize) {
    let _always_ok = write!(out, "{}", array.as_primitive::<T>().value(at));
}

fn put_double(out: &mut String, number: f64) -> Result<(), NoJson> {
    if !number.is_finite() {
        return Err(not_finite(number.is_nan()));
    }
    out.push_str(&super::number_text::number_text(number));
    Ok(())
}

fn not_finite(is_nan: bool) -> NoJson {
    format!("is {}, which JSON does not have", if is_nan { "NaN" } else { "infinite" })
}

/// A number of 32 bits, with the digits that tell it from others of 32 bits.
fn put_single(out: &mut String, number: f32) -> Result<(), NoJson> {
    match format!("{number}").parse::<f64>() {
        Ok(number) if number.is_finite() => put_double(out, number),
        _ => Err(not_finite(number.is_nan())),
    }
}

fn put_scaled<T: ArrowPrimitiveType<Native: std::fmt::Display>>(
    out: &mut String,
    array: &dyn Array,
    at: usize,
    scale: i8,
) {
    put_decimal(out, &array.as_primitive::<T>().value(at).to_string(), scale);
}

/// An integer × 10^-scale, without zeros at the end of its fraction.
fn put_decimal(out: &mut String, integer: &str, scale: i8) {
    let (sign, digits) = integer.strip_prefix('-').map_or(("", integer), |digits| ("-", digits));
    out.push_str(sign);
    let Some(scale) = usize::try_from(scale).ok().filter(|scale| *scale > 0) else {
        out.push_str(digits);
        if digits != "0" {
            (scale..0).for_each(|_| out.push('0'));
        }
        return;
    };
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    out.push_str(whole);
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
}

fn put_field_text(out: &mut String, field: &Field, text: &str) -> Result<(), NoJson> {
    if !is_extension(field, "arrow.json") {
        put_text(out, text);
        return Ok(());
    }
    match serde_json::from_str::<&serde_json::value::RawValue>(text) {
        Ok(json) => {
            out.push_str(&one_line(json.get().to_owned()));
            Ok(())
        }
        Err(cause) => Err(format!("is in a column of JSON, and is no JSON: {cause}")),
    }
}

fn put_uuid(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        let _always_ok = write!(out, "{byte:02x}");
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::put_decimal;

    #[test]
    fn decimals_have_no_zeros_at_their_ends() {
        for (integer, scale, text) in [
            ("110", 2, "1.1"),
            ("-110", 1, "-11"),
            ("5", 3, "0.005"),
            ("-5", 3, "-0.005"),
            ("0", 9, "0"),
            ("12", 0, "12"),
            ("12", -3, "12000"),
            ("0", -3, "0"),
            ("99999999999999999999999999999999999999", 9, "99999999999999999999999999999.999999999"),
        ] {
            let mut out = String::new();
            put_decimal(&mut out, integer, scale);
            assert_eq!(out, text);
        }
    }
}
