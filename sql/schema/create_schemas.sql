-- Creates the two schemas where they are missing; a user who may not create any needs no right where they are there.
do $$
begin
    if to_regnamespace('segmentation') is null then
        create schema segmentation;
        comment on schema segmentation is 'Who is in which segment, and what each segment looks like.';
    end if;
    if to_regnamespace('segmentation_staging') is null then
        create schema segmentation_staging;
        comment on schema segmentation_staging is 'Labels of runs that are still being scored; not for reading.';
    end if;
end
$$;
