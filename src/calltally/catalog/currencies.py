"""How many digits a currency has behind its point."""

__all__ = ["currency_digits"]

# As Unicode's CLDR has it, and with it `Intl` of browsers, so that a page that a browser fills writes the same amounts:
# where coins are out of use there is no fraction, whatever ISO 4217 says.
DIGITS = {
    0: "AFN ALL BIF CLP COP DJF GNF HUF IDR IQD IRR ISK JPY KMF KPW KRW LAK LBP MGA MMK PKR PYG RSD RWF SLL SOS SYP UGX"
    " VND VUV XAF XOF XPF YER",
    3: "BHD JOD KWD LYD OMR TND",
}
USUAL = 2
BY_CURRENCY = {currency: digits for digits, currencies in DIGITS.items() for currency in currencies.split()}


def currency_digits(currency: str) -> int:
    """How many digits amounts in a currency have behind the point, such as 0 for JPY; 2 where it is not known."""
    return BY_CURRENCY.get(currency, USUAL)
