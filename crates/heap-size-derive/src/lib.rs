//! `#[derive(HeapSize)]`: the heap memory of a value is the sum of the heap memory of its fields.
//!
//! The derive reads the fields from the type itself, so a new field is always counted. The generated code names the trait
//! as `crate::model::heap_size::HeapSize`, so it can only be used inside commongraph.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as TokenStream2;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Fields, parse_macro_input, parse_quote};

/// Derives `HeapSize` for a struct or an enum. Every type parameter must implement it too.
#[proc_macro_derive(HeapSize)]
pub fn derive_heap_size(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input as DeriveInput)).unwrap_or_else(syn::Error::into_compile_error).into()
}

fn expand(mut input: DeriveInput) -> syn::Result<TokenStream2> {
    let arms: Vec<_> = match &input.data {
        Data::Struct(data) => vec![arm(&quote!(Self), &data.fields)],
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| {
                let name = &variant.ident;
                arm(&quote!(Self::#name), &variant.fields)
            })
            .collect(),
        Data::Union(_) => return Err(syn::Error::new_spanned(&input.ident, "a union has no known fields")),
    };
    for parameter in input.generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(crate::model::heap_size::HeapSize));
    }
    let name = &input.ident;
    let (generics, arguments, conditions) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics crate::model::heap_size::HeapSize for #name #arguments #conditions {
            fn heap_size(&self) -> usize {
                match self {
                    #(#arms)*
                }
            }
        }
    })
}

/// A match arm that binds each field and adds up their sizes.
fn arm(path: &TokenStream2, fields: &Fields) -> TokenStream2 {
    let sizes = |bindings: &[syn::Ident]| quote!(0usize #(+ crate::model::heap_size::HeapSize::heap_size(#bindings))*);
    match fields {
        Fields::Named(fields) => {
            let names: Vec<_> = fields.named.iter().filter_map(|field| field.ident.clone()).collect();
            let sum = sizes(&names);
            quote!(#path { #(#names),* } => #sum,)
        }
        Fields::Unnamed(fields) => {
            let names: Vec<_> = (0..fields.unnamed.len()).map(|index| format_ident!("field_{index}")).collect();
            let sum = sizes(&names);
            quote!(#path ( #(#names),* ) => #sum,)
        }
        Fields::Unit => quote!(#path => 0usize,),
    }
}
