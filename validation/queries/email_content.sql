-- The validation report as one text: one row.
--
-- reads   va_config email_content   parts of the page, in order
-- writes  nothing; the mail task takes the answer

select
    array_join(
        array_agg(
            html_content
            order by part
        ), ''
    ) as html
from va_config_${sub}.email_content
