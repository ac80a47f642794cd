-- What the catalogue's SQL expressions may call. Temporary macros of the connection that runs a gate; only this
-- file and rules/ know DuckDB's dialect. Regular expressions are RE2: no look-around, no back-references.

-- Full-width digits, letters and signs as ASCII. (translate is slow: only where there is something to translate.)
create or replace temp macro half_width(value) as
    case
        when regexp_matches(value, '[！-～　]') then translate(
            value,
            '０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ＋－（）．＠＃／　',
            '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-().@#/ '
        )
        else value
    end;

-- A telephone number's digits as they would be dialled at home: no +86, extension, trailing .0, separators or
-- note in brackets; of two numbers in one field, the first. A foreign number keeps its +. Empty becomes null.
create or replace temp macro dialled(value) as
    case
        when regexp_full_match(value, '[0-9]{3,12}') then value
        else nullif(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            regexp_replace(
                                regexp_replace(
                                    regexp_replace(
                                        regexp_replace(half_width(trim(value)), '([0-9])\s*\([^0-9()]*\)$', '\1'),
                                        '\.0+$', ''
                                    ),
                                    '(1[3-9][0-9]{9})[\s/、;]+[0-9][0-9-]{6,12}$', '\1'
                                ),
                                '\s*(转|轉|分机|分機|ext\.?|x|#|,|，|;)\s*[0-9]+$', '', 'i'
                            ),
                            '^\(?(?:\+\s*|00)86\)?[\s-]*(10|2[0-9]|[3-9][1-9][0-9])[\s-]?([2-8][0-9\s-]{6,9})$', '0\1-\2'
                        ),
                        '^\s*(\(?\+\s*86\)?|0086|86-)[\s-]*', ''
                    ),
                    '([^0-9]|^)([0-9]{7,8})-[0-9]{1,5}$', '\1\2'
                ),
                '[\s\-().·_/]', '', 'g'
            ).regexp_replace('^86(1[3-9][0-9]{9})$', '\1'),
            ''
        )
    end;

-- A name without blanks, in one width and case, for comparing with word lists. Empty becomes null.
create or replace temp macro name_key(value) as
    nullif(
        case
            when regexp_matches(value, '[\sA-Z！-～　]') then regexp_replace(lower(half_width(value)), '\s', '', 'g')
            else value
        end,
        ''
    );

-- A unified social credit code in capitals and one width. Empty becomes null.
create or replace temp macro code_key(value) as
    nullif(regexp_replace(upper(half_width(value)), '[\s\-]', '', 'g'), '');

-- Position of one character in the alphabet of GB 32100-2015 (no I, O, S, V, Z), 0 to 30; −1 where it isn't in it.
create or replace temp macro code_digit(code, place) as
    instr('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, place, 1)) - 1;

-- GB 32100-2015: weights 3^(i−1) mod 31 over the first 17 characters, check character = (31 − sum mod 31) mod 31.
create or replace temp macro credit_code_is_right(code) as
    regexp_full_match(code, '[0-9A-HJ-NPQRTUWXY]{18}')
    and code_digit(code, 18) = (31 - (
        code_digit(code, 1) + code_digit(code, 2) * 3 + code_digit(code, 3) * 9 + code_digit(code, 4) * 27
        + code_digit(code, 5) * 19 + code_digit(code, 6) * 26 + code_digit(code, 7) * 16 + code_digit(code, 8) * 17
        + code_digit(code, 9) * 20 + code_digit(code, 10) * 29 + code_digit(code, 11) * 25 + code_digit(code, 12) * 13
        + code_digit(code, 13) * 8 + code_digit(code, 14) * 24 + code_digit(code, 15) * 10 + code_digit(code, 16) * 30
        + code_digit(code, 17) * 28
    ) % 31) % 31;

-- A regular expression of the catalogue, by its name; the gate sets the variables.
create or replace temp macro pattern(name) as getvariable('pattern_' || name);

-- GB 11643-1999, a person's id: weights 2^(18−i) mod 11 over the first 17 digits. Natural persons stand with it where
-- firms have their code.
create or replace temp macro personal_id_is_right(code) as
    regexp_full_match(code, pattern('personal_id'))
    and substr('10X98765432', (
        code_digit(code, 1) * 7 + code_digit(code, 2) * 9 + code_digit(code, 3) * 10 + code_digit(code, 4) * 5
        + code_digit(code, 5) * 8 + code_digit(code, 6) * 4 + code_digit(code, 7) * 2 + code_digit(code, 8)
        + code_digit(code, 9) * 6 + code_digit(code, 10) * 3 + code_digit(code, 11) * 7 + code_digit(code, 12) * 9
        + code_digit(code, 13) * 10 + code_digit(code, 14) * 5 + code_digit(code, 15) * 8 + code_digit(code, 16) * 4
        + code_digit(code, 17) * 2
    ) % 11 + 1, 1) = substr(code, 18, 1);

-- The first moment (UTC) after the as-of day in the company's time zone; the gate sets the variable.
create or replace temp macro as_of_end() as cast(getvariable('as_of_end') as timestamp);

-- No moment after this can be real in a record loaded then: a day of grace for clocks, and the as-of day, for
-- which a company may enter documents ahead. An as-of date in the past makes nothing that happened since unreal.
create or replace temp macro latest_possible(loaded_at) as greatest(as_of_end(), loaded_at + interval 1 day);
create or replace temp macro seconds_left(moment, loaded_at) as
    date_diff('second', cast(moment as timestamp), latest_possible(loaded_at));

-- The calendar day of a moment (UTC) in the company's time zone; the gate sets the variable.
create or replace temp macro local_date(moment) as
    cast(moment at time zone 'UTC' at time zone getvariable('timezone') as date);

-- A number of the catalogue, by its name; the gate sets the variables.
create or replace temp macro threshold(name) as getvariable('threshold_' || name);

-- Whether a dialled number is one that somebody may really have.
create or replace temp macro is_usable_number(number) as
    regexp_matches(number, pattern('valid_numbers')) and not regexp_matches(number, pattern('invented_numbers'));

-- Masks: enough to recognise a value that one knows, too little to learn one.
create or replace temp macro mask_none(value) as value;
create or replace temp macro mask_phone(value) as
    case
        when length(trim(value)) <= 5 then left(trim(value), 1) || '***'
        else left(trim(value), 3) || repeat('*', least(length(trim(value)) - 5, 12)::integer) || right(trim(value), 2)
    end;
-- A firm's code is public; a person's id that stands in its place is not, mistyped or right.
create or replace temp macro mask_code(value) as
    case
        when regexp_matches(code_key(value), pattern('personal_id')) or regexp_full_match(code_key(value), '[0-9]{15}')
            then mask_phone(value)
        else value
    end;
create or replace temp macro mask_name(value) as
    case when trim(value) = '' then '' else left(trim(value), 1) || '**' end;
create or replace temp macro mask_person(value) as mask_name(value);
create or replace temp macro mask_address(value) as mask_name(value);
create or replace temp macro mask_email(value) as
    case
        when value like '%@%' then left(trim(value), 1) || '***@' || split_part(trim(value), '@', -1)
        else mask_name(value)
    end;
